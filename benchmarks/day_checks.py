"""Check the answers about days against what `reference_day.py` computed in plain Python."""

from __future__ import annotations

import csv
import io
import json
from array import array
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from checks import Check, read
from commands import LAKE
from measure import Figures
from pvtop import Day, Domain, Hour, Period
from pvtop.lake.layout import day_path, domains_path, rollup_domains_path, rollup_top_pages_path
from reference_day import DayDigest

HOURS_OF_A_DAY = 24
TYPES = {"lengths": "I", "start_hours": "B", "counts": "q", "views": "q"}  # of arrays

Row = Sequence[str]


def is_day_file(day: Day, answers: Path) -> Check:
    """Return a check of the day file in the lake of pvtop: all rows, columns and types."""
    expected = json.loads((answers / "day.json").read_text())["digests"]
    return lambda folder, _: bool(digests_of(folder / LAKE / day_path(day)) == expected)


def digests_of(path: Path) -> dict[str, str]:
    """Return the digests of the columns of a day file, in the form of `reference_day.py`."""
    digest = DayDigest()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            frame = pl.DataFrame(batch)
            for (code,), pages in frame.group_by("domain_code", maintain_order=True):
                lists = {name: pages[name].explode(empty_as_null=False) for name in ("start_hours", "counts")}
                lengths = pages["start_hours"].list.len()
                numbers = {"views": pages["views"], "lengths": lengths, **lists}
                columns = {name: array(TYPES[name], column.to_list()).tobytes() for name, column in numbers.items()}
                digest.add(str(code), pages["page_title"].to_list(), **columns)
    return digest.hexdigests()


def is_rollup(period: Period, answers: Path, times: int = 1) -> Check:
    """Return a check of a rollup in the lake of pvtop: its ranked pages and its domain totals.

    Args:
        period: The hours of the rollup.
        answers: The answers for the dumps of these hours.
        times: How often each of the dumps occurs in the period.
    """

    def check(folder: Path, _: Figures) -> bool:
        made = folder / LAKE
        pages = read(made / rollup_top_pages_path(period, merged=False))
        totals = pl.read_parquet(made / rollup_domains_path(period, merged=False), hive_partitioning=False)
        expected = (pl.read_parquet(answers / f"{name}.parquet") for name in ("top_pages", "domains"))
        counts = pl.selectors.by_name("views", "pages", "blacklisted_pages", "blacklisted_views", require_all=False)
        return all(
            found.equals(frame.with_columns(counts * times))
            for found, frame in zip((pages, totals), expected, strict=True)
        )

    return check


def adds_up(hours: Sequence[Hour], answers: Path) -> Check:
    """Return a check of the reports of some hours in the lake of pvtop: the sums of their domain totals."""

    def check(folder: Path, _: Figures) -> bool:
        files = [folder / LAKE / domains_path(hour) for hour in hours]
        totals = pl.concat(pl.read_parquet(file, hive_partitioning=False) for file in files)
        sums = totals.group_by("domain_code").sum().sort("domain_code")
        return sums.equals(pl.read_parquet(answers / "domains.parquet"))

    return check


def prints_series(pages: pl.DataFrame, days: Sequence[Day]) -> Check:
    """Return a check of the CSV of `pvtop series`: every page hour by hour. All days have the same counts."""

    def check(_: Path, figures: Figures) -> bool:
        rows = csv.reader(io.StringIO(figures.stdout))
        return next(rows) == ["start", "domain_code", "page_title", "views"] and all(
            found == expected for found, expected in zip_longest(rows, series_of(pages, days))
        )

    return check


def series_of(pages: pl.DataFrame, days: Sequence[Day]) -> Iterator[Row]:
    """Yield the rows of the series of some pages."""
    for _, code, title, *hours in pages.iter_rows():
        counts = dict(zip(*hours, strict=True))
        for day in days:
            for hour in range(HOURS_OF_A_DAY):
                yield [f"{day}T{hour:02}:00:00Z", code, title, str(counts.get(hour, 0))]


def hours_of(page: pl.DataFrame) -> list[list[int]]:
    """Return the hours of one page with their views, as a script prints them."""
    return [list(pair) for pair in zip(*page.select("start_hours", "counts").row(0), strict=True)]


def sizes_of(answers: Path, times: int) -> dict[str, int]:
    """Return pages, and bytes of codes and titles, of some day files that are all the same."""
    facts = json.loads((answers / "day.json").read_text())
    return {name: times * facts[name] for name in ("pages", "domain_code", "page_title")}


def prints_movers(answers: Path, top: int = 25) -> Check:
    """Return a check of the JSON of `pvtop movers` for days that all have the same counts, with a ratio of 1 and more.

    So each page is at its own level, and the pages are in the order of their views. From pvtop it takes which codes
    belong to one wiki.
    """
    views: dict[tuple[str, str], int] = {}
    for code, _, title, count in pl.read_parquet(answers / "most_viewed.parquet").iter_rows():
        key = Domain.of(code).desktop_code or code, title
        views[key] = views.get(key, 0) + count
    ranked = sorted(views, key=lambda key: (-views[key], key[0].encode(), key[1].encode()))[:top]
    expected = [(*key, views[key], 1.0) for key in ranked]
    fields = itemgetter("domain_code", "page_title", "views", "ratio")
    return lambda _, figures: [fields(page) for page in json.loads(figures.stdout)["pages"]] == expected
