"""The command that shows which pages are furthest above their own earlier level."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.day_pages import FINDING, Count, MinViews, by_wiki, chosen_wikis, page_lines
from pvtop.cli.hints import building
from pvtop.cli.hours import DayInLake, day_in_lake
from pvtop.cli.options import TABLES, command_options
from pvtop.cli.output import Output, Table, drawn_blocks, number_of_days, number_of_hours
from pvtop.cli.progress import waiting
from pvtop.cli.selection import DomainNames
from pvtop.core.counted import percent
from pvtop.core.errors import UsageError
from pvtop.core.floors import AGAINST, MAX_AGAINST, MIN_RATIO, MIN_VIEWS, TOP
from pvtop.core.hour import first_runs
from pvtop.core.known_issues import notes_on

if TYPE_CHECKING:
    from rich.text import Text

    from pvtop.pipeline.found_pages import Movers
    from pvtop.settings import Settings

COLUMNS = (
    "domain_code",
    "rank",
    "page_title",
    "views",
    "mobile_views",
    "earlier_mean",
    "ratio",
    "score",
)
MAX_BLOCKS = 16  # columns of a sparkline

log = logging.getLogger(__name__)


@command_options(*FINDING, *TABLES)
def movers(
    day: DayInLake = None,
    against: Annotated[
        str,
        typer.Option(
            "--against", metavar="DAYS", help=f"How many days before it give the earlier level: 1d to {MAX_AGAINST}d."
        ),
    ] = f"{AGAINST}d",
    domain: DomainNames = None,
    count: Count = TOP,
    min_views: MinViews = MIN_VIEWS,
    min_ratio: Annotated[
        float, typer.Option("--min-ratio", min=1, metavar="X", help="Minimum ratio of the views to the earlier level.")
    ] = MIN_RATIO,
    *,
    settings: Settings,
    out: Output,
) -> None:
    """Show the pages whose views on a day are furthest above their own level of the days before.

    The level of a page is its mean views per hour of the earlier days, times the hours of the day that have data. So
    missing hours do not make a page a mover. Pages are ranked by a score, the log-likelihood ratio G2, which grows with
    the ratio and with the views. docs/movers.md defines it.

    Desktop and mobile are counted together. Pages on the blacklist and pages titled - are excluded. A mobile share near
    0 % or 100 % is typical of bots.

    Without --domain, all wikis are ranked together. With it, each wiki is ranked by itself.

    The views come from day files, which pvtop days build makes. Earlier days without one are named and skipped. The
    exit code is 3 if the day itself has no day file, or if none of the earlier days has one.

    Examples:

      pvtop movers

      pvtop movers --day 2024-12-30 --domain en,de.wikipedia.org -n 10

      pvtop movers --day 2024-12-30 --against 1d --min-views 100 --min-ratio 5 --json
    """
    from pvtop.lake.lake import Lake
    from pvtop.pipeline.movers import find_movers

    days, lake = parse_days(against), Lake.of(settings)
    wanted = day_in_lake(lake, day)
    wikis = chosen_wikis(lake, wanted, domain)
    with waiting(out, f"comparing {wanted} with the {number_of_days(days)} before"):
        found = find_movers(
            wanted, settings, against=days, domains=wikis, top=count, min_views=min_views, min_ratio=min_ratio
        )
    if found.days_without_file:
        log.warning(
            "earlier days without a day file are skipped: %s; to make %s: %s",
            first_runs(found.days_without_file),
            "it" if len(found.days_without_file) == 1 else "them",
            building(found.days_without_file),
        )
    floors = {"min_views": min_views, "min_ratio": min_ratio}
    out.result(_data(found, wikis, floors), _lines(found, wikis, floors, out.width), _table(found, wikis))


def parse_days(text: str) -> int:
    """Parse a number of days: `7d`.

    Raises:
        UsageError: The text is not such a number, or the number is out of its range.
    """
    match = re.fullmatch(r"(\d{1,9})d", text.strip(), re.ASCII)
    if match is None:
        raise UsageError(f"{text!r} is not a number of days", "write it as 7d")
    if not 1 <= (days := int(match[1])) <= MAX_AGAINST:
        raise UsageError(f"--against is {days:,}d", f"give 1d to {MAX_AGAINST}d")
    return days


def _notes(found: Movers) -> list[str]:
    return notes_on([hour for day in [*found.earlier, found.day] for hour in day.hours], found.hours_without_data)


def _data(found: Movers, wikis: Collection[str] | None, floors: dict[str, float]) -> dict[str, Any]:
    return {
        "day": found.day.iso,
        "start": f"{found.day.start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{found.day.end:%Y-%m-%dT%H:%M:%SZ}",
        "hours_with_data": found.hours_with_data,
        "earlier_days": [day.iso for day in found.earlier],
        "earlier_hours_with_data": found.earlier_hours_with_data,
        "days_without_file": [day.iso for day in found.days_without_file],
        "hours_without_data": [hour.iso for hour in found.hours_without_data],
        **floors,
        "notes": _notes(found),
        "pages": [page for pages in by_wiki(found.pages, wikis) for page in pages],
    }


def _table(found: Movers, wikis: Collection[str] | None) -> Table:
    yield "day", *COLUMNS
    for pages in by_wiki(found.pages, wikis):
        for page in pages:
            yield found.day.iso, *(page[name] for name in COLUMNS)


def _lines(
    found: Movers, wikis: Collection[str] | None, floors: dict[str, float], width: int | None
) -> Iterator[str | Text]:
    earlier = f"{number_of_days(len(found.earlier))} before, {number_of_hours(found.earlier_hours_with_data)}"
    yield f"{found.day} UTC, {number_of_hours(found.hours_with_data)}, against the {earlier}"
    ratio = f"{floors['min_ratio']:g} times their earlier level"
    yield f"Pages with at least {floors['min_views']:,} views, and at least {ratio}"
    for note in _notes(found):
        yield f"Note: {note}"
    blocks = min(len(found.earlier) + len(found.days_without_file) + 1, MAX_BLOCKS)
    header = f"rank        score        views      earlier     ratio  mobile  {'days':{max(blocks, 4)}}  "
    if found.pages.is_empty():
        yield "no page is such a mover; to find more, lower --min-views or --min-ratio"

    def numbers(page: dict[str, Any]) -> tuple[str, str]:
        ratio = "new" if page["ratio"] is None else f"{page['ratio']:,.1f}x"
        mobile = None if page["mobile_views"] is None else page["mobile_views"] / page["views"]
        shown = f"{page['rank']:4} {page['score']:>12,.0f} {page['views']:>12,} {page['earlier_mean']:>12,.0f}"
        return (
            f"{shown} {ratio:>9}  {percent(mobile):>6}  ",
            f"{drawn_blocks(page['daily_views'], blocks):{max(blocks, 4)}}",
        )

    yield from page_lines(by_wiki(found.pages, wikis), header, numbers, width)
