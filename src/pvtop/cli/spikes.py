"""The command that shows which pages had most of a day's views in one hour."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.day_pages import FINDING, Count, MinViews, by_wiki, chosen_wikis, page_lines
from pvtop.cli.hours import DayInLake, day_in_lake
from pvtop.cli.options import TABLES, command_options
from pvtop.cli.output import Output, Table, drawn_blocks, number_of_hours
from pvtop.cli.progress import waiting
from pvtop.cli.selection import DomainNames
from pvtop.core.counted import percent
from pvtop.core.day import HOURS_OF_A_DAY
from pvtop.core.floors import MIN_PEAK_SHARE, MIN_VIEWS, TOP
from pvtop.core.known_issues import notes_on

if TYPE_CHECKING:
    from rich.text import Text

    from pvtop.pipeline.found_pages import Spikes
    from pvtop.settings import Settings

COLUMNS = (
    "domain_code",
    "rank",
    "page_title",
    "peak_start",
    "peak_views",
    "views",
    "peak_share",
    "peak_mobile_share",
    "mobile_share",
)


@command_options(*FINDING, *TABLES)
def spikes(
    day: DayInLake = None,
    domain: DomainNames = None,
    count: Count = TOP,
    min_views: MinViews = MIN_VIEWS,
    min_peak_share: Annotated[
        float,
        typer.Option(
            "--min-peak-share", min=0.01, max=1, metavar="X", help="Minimum share of the day's views in one hour."
        ),
    ] = MIN_PEAK_SHARE,
    *,
    settings: Settings,
    out: Output,
) -> None:
    """Show the pages with most of a day's views in one hour.

    Pages are ranked by the views in that hour, their peak. The mobile shares of the peak and of the day help to tell
    people from bots: a share near 0 % or 100 % is typical of bots. docs/movers.md says more.

    Desktop and mobile are counted together. Pages on the blacklist and pages titled - are excluded.

    Without --domain, all wikis are ranked together. With it, each wiki is ranked by itself.

    The views come from the day file, which pvtop days build makes. The exit code is 3 if the day has no day file.

    Examples:

      pvtop spikes

      pvtop spikes --day 2024-12-30 --domain "*.wikipedia.org" -n 3

      pvtop spikes --day 2024-12-30 --min-views 100 --min-peak-share 0.8 --csv
    """
    from pvtop.lake.lake import Lake
    from pvtop.pipeline.movers import find_spikes

    lake = Lake.of(settings)
    wanted = day_in_lake(lake, day)
    wikis = chosen_wikis(lake, wanted, domain)
    with waiting(out, f"looking for spikes on {wanted}"):
        found = find_spikes(
            wanted, settings, domains=wikis, top=count, min_views=min_views, min_peak_share=min_peak_share
        )
    floors = {"min_views": min_views, "min_peak_share": min_peak_share}
    out.result(_data(found, wikis, floors), _lines(found, wikis, floors, out.width), _table(found, wikis))


def _pages(found: Spikes, wikis: Collection[str] | None) -> Iterator[dict[str, Any]]:
    for pages in by_wiki(found.pages, wikis):
        for page in pages:
            yield page | {"peak_start": f"{page['peak_start']:%Y-%m-%dT%H:%M:%SZ}"}


def _data(found: Spikes, wikis: Collection[str] | None, floors: dict[str, float]) -> dict[str, Any]:
    return {
        "day": found.day.iso,
        "start": f"{found.day.start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{found.day.end:%Y-%m-%dT%H:%M:%SZ}",
        "hours_with_data": HOURS_OF_A_DAY - len(found.hours_without_data),
        "hours_without_data": [hour.iso for hour in found.hours_without_data],
        **floors,
        "notes": notes_on(found.day.hours, found.hours_without_data),
        "pages": list(_pages(found, wikis)),
    }


def _table(found: Spikes, wikis: Collection[str] | None) -> Table:
    yield "day", *COLUMNS
    for page in _pages(found, wikis):
        yield found.day.iso, *(page[name] for name in COLUMNS)


def _lines(
    found: Spikes, wikis: Collection[str] | None, floors: dict[str, float], width: int | None
) -> Iterator[str | Text]:
    yield f"{found.day} UTC, {number_of_hours(HOURS_OF_A_DAY - len(found.hours_without_data))}"
    share = percent(floors["min_peak_share"])
    yield f"Pages with at least {floors['min_views']:,} views on the day, and at least {share} of them in one hour"
    for note in notes_on(found.day.hours, found.hours_without_data):
        yield f"Note: {note}"
    if found.pages.is_empty():
        yield "no page has such a spike; to find more, lower --min-views or --min-peak-share"
    header = f"rank  peak hour    peak views   share  mobile    day views  mobile  {'00 to 24 UTC':{HOURS_OF_A_DAY}}  "
    yield from page_lines(by_wiki(found.pages, wikis), header, _numbers, width)


def _numbers(page: dict[str, Any]) -> tuple[str, str]:
    start = page["peak_start"].hour
    peak = f"{start:02}:00-{start + 1:02}:00 {page['peak_views']:>11,}  {percent(page['peak_share']):>6}"
    mobile = f"{percent(page['peak_mobile_share']):>6}"
    of_day = f"{page['views']:>11,}  {percent(page['mobile_share']):>6}"
    blocks = drawn_blocks(page["hourly_views"], HOURS_OF_A_DAY)
    return f"{page['rank']:4}  {peak}  {mobile}  {of_day}  ", f"{blocks:{HOURS_OF_A_DAY}}"
