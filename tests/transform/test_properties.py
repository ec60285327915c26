"""Generated dumps and blacklists: pvtop and the plain-Python reference give the same."""

from __future__ import annotations

import gzip
import tempfile
import zlib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import event, given, reject
from hypothesis import strategies as st

from pvtop.core.errors import BlacklistError, CorruptError
from pvtop.core.hour import Hour
from pvtop.pipeline.compute import compute_report
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist
from pvtop.sources.facts import FileFacts, LocalFile
from pvtop.transform.blacklist import no_blacklist, parse_blacklist
from pvtop.transform.report import Report
from pvtop.validation.rules import REPORT_RULES, violations_of
from support.reference import Reference, reference
from support.strategies import blacklists, dumps, gzips, near_clean_dumps, raw_dumps

ANY_SHARE = Settings.load(malformed_limit=1.0, source=".", blacklist="none")
HOUR = Hour.parse("2024-08-03T06")


def make(packed: bytes, blacklist: bytes, top: int, *, keep_unknown: bool) -> Report:
    """Make a report of a dump and a blacklist as they are on disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "dump.gz")
        path.write_bytes(packed)
        local = LocalFile(path, FileFacts("dump", path.stat().st_size, "0"))
        found = Blacklist("blacklist", "0", accepted(blacklist))
        chosen = ANY_SHARE.model_copy(update={"top": top, "keep_unknown": keep_unknown})
        return compute_report(HOUR, local, found, chosen)


def accepted(blacklist: bytes) -> pl.DataFrame:
    """Read a blacklist, of which no bytes stand for none; pass over those that look like another file: refused."""
    try:
        return parse_blacklist(blacklist, "blacklist") if blacklist else no_blacklist()
    except BlacklistError:
        reject()


def agree(dump: bytes, blacklist: bytes = b"", top: int = 2, *, keep_unknown: bool = False) -> None:
    packed = gzip.compress(dump, 1, mtime=0)
    expected = reference(dump, blacklist, top=top, keep_unknown=keep_unknown)
    if not expected.rows and not expected.malformed:
        with pytest.raises(CorruptError, match="no lines"):
            make(packed, blacklist, top, keep_unknown=keep_unknown)
        return
    same(make(packed, blacklist, top, keep_unknown=keep_unknown), expected)


def same(report: Report, expected: Reference) -> None:
    assert report.top_pages.rows() == expected.top_pages
    assert report.domains.rows() == expected.domains
    assert counts(report) == counts_of(expected)
    assert {violation.rule for violation in violations_of(report, REPORT_RULES)} <= {"no page occurs twice"}


def counts(report: Report) -> tuple[int, ...]:
    facts = report.provenance
    return (
        facts.rows, facts.views, facts.malformed, facts.unknown_rows, facts.unknown_views,
        facts.blacklisted_rows, facts.blacklisted_views,
    )  # fmt: skip


def counts_of(expected: Reference) -> tuple[int, ...]:
    return (
        expected.rows, expected.views, len(expected.malformed), expected.unknown_rows, expected.unknown_views,
        expected.blacklisted_rows, expected.blacklisted_views,
    )  # fmt: skip


@given(dump=dumps(), blacklist=blacklists(), top=st.sampled_from([1, 2, 3, 25]), keep_unknown=st.booleans())
def test_generated_hours(dump: bytes, blacklist: bytes, top: int, *, keep_unknown: bool) -> None:
    agree(dump, blacklist, top, keep_unknown=keep_unknown)


@given(dump=raw_dumps(), blacklist=st.just(b"") | raw_dumps())
def test_raw_bytes(dump: bytes, blacklist: bytes) -> None:
    agree(dump, blacklist)


@given(dump=near_clean_dumps(), blacklist=blacklists())
def test_dumps_that_are_clean_but_for_a_place(dump: bytes, blacklist: bytes) -> None:
    agree(dump, blacklist)


@given(packed=gzips(raw_dumps() | near_clean_dumps()))
def test_bent_gzip(packed: bytes) -> None:
    """Refused, or read as Python's own gzip reads it; and refused in any case where that refuses it."""
    try:
        expected = reference(gzip.decompress(packed), top=2)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        with pytest.raises(CorruptError):
            make(packed, b"", 2, keep_unknown=False)
        return
    try:
        report = make(packed, b"", 2, keep_unknown=False)
    except CorruptError:
        event("refused")
        return
    same(report, expected)
