"""Repeated pages: what the totals of an hour count too often."""

from __future__ import annotations

import polars as pl
import pytest

from pvtop.transform import repeats
from pvtop.transform.repeats import PageHashes, RepeatedPages
from pvtop.transform.schemas import BLACKLIST, ROWS
from pvtop.transform.sums import TOTALS

Row = tuple[str | None, str, int | None]


def corrections(
    *blocks: list[Row], blacklist: list[tuple[str, str]] | None = None, keep_unknown: bool = False
) -> list[tuple[object, ...]]:
    """Return the sums of the corrections that are not zero, by domain."""
    entries = pl.DataFrame(blacklist or [], BLACKLIST, orient="row")
    rows, hashes, found = [pl.DataFrame(block, ROWS, orient="row") for block in blocks], PageHashes(), TOTALS.to_frame()
    for block in rows:
        hashes.add(block)
    for part in hashes.repeated():
        repeated = RepeatedPages(part, entries, keep_unknown=keep_unknown)
        for block in rows:
            repeated.add(block)
        found = pl.concat([found, repeated.corrections()])
    return found.group_by("domain_code").agg(pl.all().sum()).sort("domain_code").rows()


def test_corrections_count_each_repeated_page_once() -> None:
    lines: list[Row] = [("commons.m", "A", 1), ("commons.m", "B", 1), ("commons.m", "A", 2), ("nl.m", "A", 2)]
    assert corrections(lines) == [("commons.m", -1, 0, 0, 0)]
    assert corrections(lines, [("nl.m", "A", 1)], [("commons.m", "A", 5)]) == [
        ("commons.m", -2, 0, 0, 0),
        ("nl.m", -1, 0, 0, 0),
    ]


def test_pages_are_compared_as_they_are_decoded() -> None:
    lines: list[Row] = [('""', 'say_"x"', 1), ("", '"say_\\"x\\""', 1), ("en", "\ufffd", 1), ("en", "\ufffd", 2)]
    assert corrections(lines, [("\ufffd", "a", 1), ("\ufffd", "a", 1)]) == [
        ("", -1, 0, 0, 0),
        ("en", -1, 0, 0, 0),
        ("\ufffd", -1, 0, 0, 0),
    ]


def test_malformed_lines_are_not_counted_as_pages() -> None:
    assert corrections([(None, "\ufffd", None), (None, "\ufffd", None)]) == []


@pytest.mark.parametrize(("keep_unknown", "blacklisted"), [(False, -1), (True, -2)])
def test_repeated_blacklisted_pages_are_taken_from_both_counts(*, keep_unknown: bool, blacklisted: int) -> None:
    lines: list[Row] = [("nl.m", title, 1) for title in ("A", "A", "-", "-", "B", "B")]
    entries = [("nl.m", "A"), ("nl.m", "-"), ("commons.m", "B")]
    assert corrections(lines, blacklist=entries, keep_unknown=keep_unknown) == [("nl.m", -3, 0, blacklisted, 0)]


def test_pages_whose_hashes_are_equal_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "HASH", pl.col("domain_code").hash())
    lines: list[Row] = [("nl.m", title, 1) for title in ("A", "B", "C", "B")]
    assert corrections(lines) == [("nl.m", -1, 0, 0, 0)]


def test_many_repeated_pages_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "HELD_HASHES", 2)
    lines: list[Row] = [("nl.m", title, 1) for title in "ABCDEBCDEE"]
    assert corrections(lines, blacklist=[("nl.m", "E")]) == [("nl.m", -5, 0, -2, 0)]
