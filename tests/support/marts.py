"""Lakes to load into a mart, and what a mart says about them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import polars as pl

from pvtop.core.hour import Hour
from pvtop.lake.lake import Lake
from pvtop.mart.mart import Mart
from pvtop.transform.report import Report
from support.reports import Page, make_report

DIMENSIONS = {"page_dim": "page_dim_id", "domain_dim": "domain_dim_id"}
FIRST = Hour.parse("2024-07-31T20")

HOSTILE = [
    "Abc", "abc", "Äbc", unicodedata.normalize("NFD", "Äbc"), "abc ", "abc  ", "abc\t", " abc",
    "'; DROP TABLE page_dim; --", "\\", "\\.", "\\N", "\\'", "'", '"', '""', "a,b", "a;b", "100%", "%s", "{}", ":name",
    "NULL", "\r", "a\rb", "\u2028", "\u202e\u05e2\u05d1\u05e8\u05d9\u05ea", "\U0001f600", "\U0001f468\u200d\U0001f469",
    "\ufffd", "x" * 512, "\u00e4" * 256, "y" * 1_477, "\x01\x7f", "\ufeffabc", "\u00df", "ss", "\u0131", "I", "i",
]  # fmt: skip
"""Titles that databases confuse, or read as something else."""


def hostile_report(hour: Hour = FIRST) -> Report:
    """Return a report with hostile titles and codes. It has two titles twice in a domain, as a dump may list them."""
    titles = [*HOSTILE, "nul\0nul"]
    pages: list[Page] = [("en", rank, title, 10**6 - rank) for rank, title in enumerate(titles, start=1)]
    pages += [("", 1, "Twice", 2**63 - 1), ("", 2, "Twice", 7), ("nl.m", 1, "'", 1), ("'--.x", 1, "-", 0)]
    pages += [("nul\0", 1, "nul\0nul", 2), ("nul\0.m", 1, "a", 1)]
    return make_report(pages, hour=hour)


def small_report(hour: Hour, pages: int = 40, seed: int = 0) -> Report:
    """Return a report of some pages, of which other hours have most, too."""
    number = seed + hour.stamp.toordinal() * 24 + hour.stamp.hour
    titles = [f"Page_{(number * 7 + rank * 3) % 97}" for rank in range(1, pages + 1)]
    rows: list[Page] = [
        (code, rank, title, 1_000 - rank)
        for code in ("de", "en", "en.m")
        for rank, title in enumerate(dict.fromkeys(titles), start=1)
    ]
    return make_report(rows, hour=hour, dump_sha256=f"{number:064x}")


def write_lake(folder: Path, hours: Sequence[Hour]) -> Lake:
    """Write small reports of some hours."""
    lake = Lake(str(folder))
    for hour in hours:
        lake.write(small_report(hour))
    return lake


def in_mart(mart: Mart) -> dict[Hour, list[tuple[object, ...]]]:
    """Return what the mart says about each hour, in the order of the report."""
    found = mart.query("SELECT datehour, domain_name, num_views_rank, page_name, num_views FROM top_pages")
    by_hour: dict[Hour, list[tuple[object, ...]]] = {}
    for stamp, *row in sorted(found.iter_rows(), key=lambda row: (row[1].encode(), row[2])):
        by_hour.setdefault(Hour(stamp.replace(tzinfo=UTC)), []).append(tuple(row))
    return by_hour


def assert_equal(mart: Mart, lake: Lake, hours: Sequence[Hour]) -> None:
    """Check that a mart has these hours, as the lake has them, and nothing else."""
    assert mart.loaded().get_column("hour").to_list() == [hour.stamp for hour in hours]
    found, expected = in_mart(mart), {hour: list(lake.read(hour).top_pages.iter_rows()) for hour in hours}
    assert found.keys() == expected.keys()
    for hour in hours:
        assert found[hour] == expected[hour], hour
    counts = " UNION ALL ".join(
        f"SELECT '{table}' AS what, count(*) AS n, count(DISTINCT {id_}) AS ids FROM {table}"
        for table, id_ in {"pageview_fact": "pageview_fact_id", **DIMENSIONS}.items()
    )
    by_table = {what: (n, ids) for what, n, ids in mart.query(counts).iter_rows()}
    assert by_table["pageview_fact"] == (sum(map(len, expected.values())),) * 2
    assert all(n == ids for n, ids in by_table.values())


def assert_whole(mart: Mart, seeds: range) -> None:
    """Check that each hour of a mart is its small report of one of these seeds, and that no other hour has facts.

    The server may still be committing for a loader that was killed. So this reads what is loaded first and last.
    """
    before, found = set(mart.loaded()["hour"]), in_mart(mart)
    facts = {stamp.replace(tzinfo=UTC) for (stamp,) in mart.query("SELECT DISTINCT datehour FROM pageview_fact").rows()}
    after = set(mart.loaded()["hour"])
    for hour, rows in found.items():
        assert rows in [small_report(hour, seed=seed).top_pages.rows() for seed in seeds], hour
    assert before <= {hour.stamp for hour in found} <= after
    assert facts <= after


def column(frame: pl.DataFrame, name: str) -> list[object]:
    """Return the values of a column."""
    return frame.get_column(name).to_list()
