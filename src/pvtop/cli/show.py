"""The command that shows the report of one hour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.hours import Date, HourOfDay
from pvtop.cli.options import TABLES, command_options
from pvtop.cli.output import Output, Table, cut
from pvtop.cli.selection import DomainNames, chosen_domains, largest_domains, read_report
from pvtop.cli.streams import can_draw
from pvtop.core.escape import printable
from pvtop.core.known_issues import known_issues

if TYPE_CHECKING:
    from rich.text import Text

    from pvtop.core.domain import Domain
    from pvtop.settings import Settings
    from pvtop.transform.report import Report

VIEWS_BAR_WIDTH = 20
BLOCKS = " ▏▎▍▌▋▊▉█"
MIN_VIEWS_BAR_WIDTH = 5  # columns; a shorter bar says nothing
BESIDE_VIEWS_BAR = 44  # columns for rank, views and most of a title


@command_options("output", *TABLES)
def show(
    date: Date = None,
    hour: HourOfDay = None,
    domain: DomainNames = None,
    count: Annotated[int, typer.Option("-n", min=1, max=1_000_000, metavar="N", help="Pages per domain.")] = 10,
    *,
    settings: Settings,
    out: Output,
) -> None:
    """Show the top pages of an hour. The default is the newest hour in the lake.

    Without --domain, it shows the 5 most viewed domains. On a terminal, each title is a link to its page.

    The exit code is 3 if the hour is not in the lake.

    Examples:

      pvtop show

      pvtop show --domain en,de.wikipedia.org -n 25

      pvtop show --domain "*.m" -n 1

      pvtop show --date 2024-08-03 --hour 6 --domain en --json
    """
    found = read_report(settings, date, hour)
    codes = chosen_domains(domain, found) if domain else largest_domains(found)
    chosen = {code: _pages(found, code, count) for code in codes}
    out.result(_data(found, chosen), _lines(found, chosen, out.width), _table(found, chosen))


def _pages(report: Report, code: str, count: int) -> list[dict[str, Any]]:
    of_domain = report.top_pages.filter(domain_code=code).head(count)
    return of_domain.select("rank", "views", "page_title").to_dicts()


def _data(report: Report, chosen: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    facts = report.provenance
    domains = [{"domain_code": code, "pages": pages} for code, pages in chosen.items()]
    notes = [str(issue) for issue in known_issues([report.hour])]
    return {"hour": report.hour.iso, "start": facts.start, "end": facts.end, "notes": notes, "domains": domains}


def _table(report: Report, chosen: dict[str, list[dict[str, Any]]]) -> Table:
    yield "hour", "domain_code", "rank", "page_title", "views"
    for code, pages in chosen.items():
        for page in pages:
            yield report.hour.iso, code, page["rank"], page["page_title"], page["views"]


def _lines(report: Report, chosen: dict[str, list[dict[str, Any]]], width: int | None) -> Iterator[str | Text]:
    from rich.text import Text

    from pvtop.core.domain import Domain

    yield f"{report.hour}, views from {report.hour.start:%H:%M} to {report.hour.stamp:%H:%M} UTC"
    for issue in known_issues([report.hour]):
        yield f"Note: {issue}"
    for code, pages in chosen.items():
        domain = Domain.of(code)
        yield ""
        yield cut(Text(printable(domain.heading), style="bold"), width)
        if not pages:
            yield "      all pages are excluded"
        for page in pages:
            yield cut(_page_line(page, domain, pages[0]["views"], width), width)


def _page_line(page: dict[str, Any], domain: Domain, most: int, width: int | None) -> Text:
    """Return the line of a page. On a terminal, its title is a link, and its bar leaves room for the title."""
    from rich.style import Style
    from rich.text import Text

    line = Text(f"{page['rank']:4} {page['views']:>11,}  ")
    if bar := _bar(page["views"], most, _bar_width(width)):
        line.append(bar, style="cyan").append("  ")
    link = None if width is None else domain.page_address(page["page_title"])
    return line.append(printable(page["page_title"]), Style(link=link))


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
