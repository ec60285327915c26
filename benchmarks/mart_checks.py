"""Check what a mart says, and what it answers, against the reports in a lake."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from checks import Check, read
from measure import Figures
from pvtop import Hour
from pvtop.lake.layout import top_pages_path

MARTS = ("alone.parquet", "together.parquet")


def are_reports(lake: Path, hours: Sequence[Hour]) -> Check:
    """Return a check of all rows of two marts against the reports of some hours, and of rows and views of the copy."""

    def check(folder: Path, figures: Figures) -> bool:
        expected = pl.concat(
            read(lake / top_pages_path(hour)).select(pl.lit(naive(hour)).alias("datehour"), pl.all()) for hour in hours
        )
        order = ["datehour", "domain_code", "rank"]
        marts = (pl.read_parquet(folder / name).cast(expected.schema) for name in MARTS)
        copied = [len(expected), expected.get_column("views").sum()]
        return json.loads(figures.stdout)["bare"] == copied and all(mart.sort(order).equals(expected) for mart in marts)

    return check


def is_year(reports: Sequence[Path], hours: Sequence[Hour], domain: str, month: Sequence[Hour]) -> Check:
    """Return a check of a mart of many hours: a digest of the rows of each hour, and the top pages of a month.

    Args:
        reports: The report of each hour. Most files occur many times.
        hours: The hours.
        domain: The domain of the query.
        month: The hours of the query.
    """

    def check(folder: Path, figures: Figures) -> bool:
        digests = {path: digest(path) for path in set(reports)}
        found = pl.read_parquet(folder / "hours.parquet").rows()
        expected = [(naive(hour), *digests[path]) for hour, path in zip(hours, reports, strict=True)]
        wanted = set(month)
        in_month = [path for hour, path in zip(hours, reports, strict=True) if hour in wanted]
        top = [[*page] for page in top_of(in_month, domain)]
        return found == expected and bool(json.loads(figures.stdout)["rows"] == top)

    return check


def digest(report: Path) -> tuple[int, str]:
    """Return how many pages a report has, and the digest of its rows as `probes/mart_year.py` computes it."""
    import duckdb

    with duckdb.connect() as connection:
        row = connection.execute(
            "SELECT count(*), sum(hash(domain_code, rank::INTEGER, page_title, views))::VARCHAR "
            "FROM read_parquet($1, hive_partitioning = false)",
            [str(report)],
        ).fetchone()
    return row or (0, "")


def top_of(reports: Sequence[Path], domain: str, count: int = 10) -> list[tuple[str, int]]:
    """Return the most viewed pages of a domain in many reports, ties by title in byte order. Reads each file once."""
    views: Counter[str] = Counter()
    for path, times in Counter(reports).items():
        for title, of_hour in read(path).filter(domain_code=domain).select("page_title", "views").iter_rows():
            views[title] += times * of_hour
    return sorted(views.items(), key=lambda page: (-page[1], page[0].encode()))[:count]


def naive(hour: Hour) -> datetime:
    """Return a stamp without its zone, as a mart has it."""
    return hour.stamp.replace(tzinfo=None)
