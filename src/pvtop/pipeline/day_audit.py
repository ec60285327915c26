"""Check day files in full."""

from __future__ import annotations

import polars as pl

from pvtop.core.day import Day
from pvtop.core.errors import OutputError
from pvtop.lake.day_files import DAMAGED, DayFile
from pvtop.lake.day_writer import Totals
from pvtop.lake.lake import Lake
from pvtop.transform.runs import is_sorted


def faults(lake: Lake, day: Day) -> list[str]:
    """Return what is wrong with a day file, as clauses. Empty if it is valid or not there.

    Raises:
        OutputError: The lake cannot be read.
    """
    try:
        with lake.day_file(day) as day_file:
            return _faults(day_file) if day_file else []
    except OutputError as error:
        if error.remedy not in DAMAGED:
            raise
        return [str(error)]


def _faults(day_file: DayFile) -> list[str]:
    made, totals, found, before = day_file.provenance, Totals(), set[str](), pl.DataFrame()
    missing = [hour.start.hour for hour in made.missing]
    for pages in day_file.frames():
        totals.add(pages)
        found.update(name for name, broken in _broken(pages, missing).items() if broken)
        key = pages.select("domain_code", "page_title", pl.lit(0).alias("views"))
        if not is_sorted(pl.concat([before, key.head(1)]) if len(before) else key) or not is_sorted(key):
            found.add("its pages are not in order")
        before = key.tail(1)
    if (totals.views, tuple(totals.domains.items())) != (made.views, made.domains):
        found.add("its counts differ from its provenance")
    return sorted(found)


def _broken(pages: pl.DataFrame, missing: list[int]) -> dict[str, bool]:
    """Return which rules the rows of a day file break.

    Args:
        pages: The rows.
        missing: The hours whose dumps were missing: the hours of the day at which they begin.
    """
    hours, counts = pl.col("start_hours"), pl.col("counts")
    rules = {
        "a page has views in an hour that was missing": hours.list.eval(pl.element().is_in(missing)).list.any(),
        "a page has other hours than counts": hours.list.len() != counts.list.len(),
        "a page has no hours": hours.list.len() == 0,
        "the hours of a page do not ascend": hours.list.eval(pl.element().cast(pl.Int16).diff() <= 0).list.any(),
        "an hour is beyond the day": hours.list.max() > 23,  # noqa: PLR2004 - hours of a day
        "a count is negative": counts.list.min() < 0,
        "the counts of a page do not add up to its views": counts.list.eval(
            pl.element().cast(pl.Int128).sum()
        ).list.first()
        != pl.col("views"),
    }
    checked = pages.select(rule.fill_null(value=False).any().alias(name) for name, rule in rules.items())
    return checked.row(0, named=True)
