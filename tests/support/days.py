"""Day files of made-up pages, for tests of what reads them."""

from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

import polars as pl

from pvtop._version import __version__
from pvtop.core.day import Day
from pvtop.lake.day_writer import Totals, write_day_file
from pvtop.lake.layout import day_path
from pvtop.transform.day import DAY_RULES_VERSION, DayProvenance, DumpRecord
from pvtop.transform.schemas import DAY_PAGES

Views = Mapping[tuple[str, str], Mapping[int, int]]
"""The views of each page, by code and title, in each hour of the day at which an hour begins."""

DAY = Day(date(2024, 12, 30))


def day_pages(views: Views) -> pl.DataFrame:
    """Return the pages of a day in the columns of `DAY_PAGES`."""
    rows = [
        (code, title, sum(hours.values()), sorted(hours), [hours[hour] for hour in sorted(hours)])
        for (code, title), hours in sorted(views.items())
    ]
    return pl.DataFrame(rows, schema=DAY_PAGES, orient="row")


def day_provenance(day: Day, totals: Totals, missing: Collection[int] = ()) -> DayProvenance:
    """Return the provenance of a made-up day file, of which some hours were missing: the hours at which they begin."""
    dumps = [
        DumpRecord(
            stamp=hour.iso,
            source="made-up",
            dump_bytes=1,
            dump_sha256=f"{hour.start.hour:064}",
            dump_last_modified=None,
            rows=1,
            malformed=0,
        )
        for hour in day.hours
        if hour.start.hour not in missing
    ]
    return DayProvenance(
        day=day.iso,
        start=f"{day.start:%Y-%m-%dT%H:%M:%SZ}",
        end=f"{day.end:%Y-%m-%dT%H:%M:%SZ}",
        dumps=tuple(dumps),
        pages=totals.domains.total(),
        views=totals.views,
        domains=tuple(totals.domains.items()),
        rules=DAY_RULES_VERSION,
        version=__version__,
    )


def write_day(lake: Path, day: Day, views: Views, missing: Collection[int] = ()) -> Path:
    """Write a day file into a lake in a folder. Return its path."""
    path = lake / day_path(day)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_day_file(path, [day_pages(views)], lambda totals: day_provenance(day, totals, missing))
    return path
