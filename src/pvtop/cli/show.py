"""The command that shows the report of an hour, or the rollup of many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.hours import Date, End, HourOfDay, Month, Start, WholeDay, read_period
from pvtop.cli.options import TABLES, command_options
from pvtop.cli.output import Output, Table, cut, runs
from pvtop.cli.rollup import MergeAccess, heading, interval
from pvtop.cli.selection import LARGEST, DomainNames, chosen_domains, read_report, read_rollup
from pvtop.cli.streams import can_draw
from pvtop.core.errors import UsageError
from pvtop.core.escape import printable
from pvtop.core.known_issues import known_issues

if TYPE_CHECKING:
    from rich.text import Text

    from pvtop.core.domain import Domain
    from pvtop.settings import Settings
    from pvtop.transform.report import Report
    from pvtop.transform.rollup import Rollup

    Ranking = Report | Rollup

VIEWS_BAR_WIDTH = 20
BLOCKS = " ▏▎▍▌▋▊▉█"
MIN_VIEWS_BAR_WIDTH = 5  # columns; a shorter bar says nothing
BESIDE_VIEWS_BAR = 44  # columns for rank, views and most of a title


@command_options("output", *TABLES)
def show(
    date: Date = None,
    hour: HourOfDay = None,
    day: WholeDay = None,
    month: Month = None,
    start: Start = None,
    end: End = None,
    domain: DomainNames = None,
    count: Annotated[int, typer.Option("-n", min=1, max=1_000_000, metavar="N", help="Pages per domain.")] = 10,
    *,
    merge_access: MergeAccess = False,
    settings: Settings,
    out: Output,
) -> None:
    """Show the top pages of an hour, or of a day, a month or a range. The default is the newest hour in the lake.

    Without --domain, it shows the 5 most viewed domains. On a terminal, each title is a link to its page.

    --date and --hour name an hour. --day, --month, and --start with --end name the hours of a rollup that pvtop rollup
    has made, with the same --merge-access.

    The exit code is 3 if the report or the rollup is not in the lake.

    Examples:

      pvtop show

      pvtop show --domain en,de.wikipedia.org -n 25

      pvtop show --domain "*.m" -n 1

      pvtop show --date 2024-08-03 --hour 6 --domain en --json

      pvtop show --day 2024-12-30 --merge-access --domain en
    """
    period = read_period(day, month, start, end)
    if period is None:
        if merge_access:
            raise UsageError("--merge-access needs many hours", "give --day, --month, or --start and --end")
        found: Ranking = read_report(settings, date, hour)
    elif (date, hour) != (None, None):
        raise UsageError("an hour cannot be combined with a day, a month or a range", "give one of them")
    else:
        found = read_rollup(settings, period, merged=merge_access)
    codes = chosen_domains(domain, found) if domain else found.largest_domains(LARGEST)
    chosen = {code: _pages(found, code, count) for code in codes}
    out.result(_data(found, chosen), _lines(found, chosen, out.width), _table(found, chosen))


def _pages(found: Ranking, code: str, count: int) -> list[dict[str, Any]]:
    names = ["rank", "views", "page_title"]
    split = [name for name in found.top_pages.columns if name == "mobile_views"]
    return found.top_pages.filter(domain_code=code).head(count).select(names + split).to_dicts()


def _hours(found: Ranking) -> dict[str, Any]:
    """Return which hours were counted."""
    from pvtop.transform.rollup import Rollup

    if isinstance(found, Rollup):
        return interval(found)
    return {"hour": found.hour.iso, "start": found.provenance.start, "end": found.provenance.end}


def _data(found: Ranking, chosen: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    domains = [{"domain_code": code, "pages": pages} for code, pages in chosen.items()]
    notes = [str(issue) for issue in known_issues(found.period.hours)]
    return {**_hours(found), "notes": notes, "domains": domains}


def _table(found: Ranking, chosen: dict[str, list[dict[str, Any]]]) -> Table:
    stamps = {name: value for name, value in _hours(found).items() if name in {"hour", "first", "last"}}
    columns = found.top_pages.columns[1:]
    yield *stamps, "domain_code", *columns
    for code, pages in chosen.items():
        for page in pages:
            yield *stamps.values(), code, *(page[name] for name in columns)


def _lines(found: Ranking, chosen: dict[str, list[dict[str, Any]]], width: int | None) -> Iterator[str | Text]:
    from rich.text import Text

    from pvtop.core.domain import Domain

    yield from _heading(found)
    for issue in known_issues(found.period.hours):
        yield f"Note: {issue}"
    for code, pages in chosen.items():
        domain = Domain.of(code)
        yield ""
        yield cut(Text(printable(_domain_heading(found, domain)), style="bold"), width)
        if not pages:
            yield "      all pages are excluded"
        for page in pages:
            yield cut(_page_line(page, domain, pages[0]["views"], width), width)


def _heading(found: Ranking) -> Iterator[str]:
    from pvtop.transform.rollup import Rollup

    if not isinstance(found, Rollup):
        yield f"{found.hour}, views from {found.hour.start:%H:%M} to {found.hour.stamp:%H:%M} UTC"
        return
    yield heading(found)
    if found.merged:
        yield "Desktop, mobile and zero of each wiki are added up. A percentage is the share of mobile and zero."
    yield from runs(found.provenance.missing, "missing")


def _domain_heading(found: Ranking, domain: Domain) -> str:
    """Return code, host and access of a domain. If access is merged, there is none to show."""
    merged = "mobile_views" in found.top_pages.columns
    return domain.heading.removesuffix(f"  {domain.access}") if merged else domain.heading


def _page_line(page: dict[str, Any], domain: Domain, most: int, width: int | None) -> Text:
    """Return the line of a page. On a terminal, its title is a link, and its bar leaves room for the title."""
    from rich.style import Style
    from rich.text import Text

    line = Text(f"{page['rank']:4} {page['views']:>11,}  {_split(page)}")
    if bar := _bar(page["views"], most, _bar_width(width)):
        line.append(bar, style="cyan").append("  ")
    link = None if width is None else domain.page_address(page["page_title"])
    return line.append(printable(page["page_title"]), Style(link=link))


def _split(page: dict[str, Any]) -> str:
    """Return the share of mobile views, or nothing if access is not merged."""
    if "mobile_views" not in page:
        return ""
    mobile = page["mobile_views"]
    return " " * 6 if mobile is None or not page["views"] else f"{mobile / page['views']:>4.0%}  "


def _bar_width(width: int | None) -> int:
    """Return the columns of a bar: fewer on a narrow terminal, and none if it would be too short."""
    room = VIEWS_BAR_WIDTH if width is None else min(VIEWS_BAR_WIDTH, width - BESIDE_VIEWS_BAR)
    return room if room >= MIN_VIEWS_BAR_WIDTH else 0


def _bar(views: int, most: int, width: int) -> str:
    """Return a share of the most as a bar of `width` columns. Use ASCII if stdout lacks the blocks."""
    if not can_draw(BLOCKS):
        return ("#" * round(views * width / max(most, 1))).ljust(width)
    whole, eighths = divmod(round(views * width * 8 / max(most, 1)), 8)
    return (BLOCKS[8] * whole + BLOCKS[eighths].strip()).ljust(width)
