"""The command that shows the report of one hour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.completion import complete_domains
from pvtop.cli.hours import Date, HourOfDay, hour_in_lake
from pvtop.cli.options import PRINTING, command_options
from pvtop.cli.output import Output
from pvtop.cli.streams import can_draw
from pvtop.core.errors import NotInLakeError, UsageError
from pvtop.core.escape import printable, shorten
from pvtop.core.hour import described
from pvtop.core.known_issues import known_issues

if TYPE_CHECKING:
    from rich.text import Text

    from pvtop.settings import Settings
    from pvtop.transform.report import Report

LARGEST = 5  # domains that are shown if none is named
BAR_WIDTH = 20
BLOCKS = " ▏▎▍▌▋▊▉█"


@command_options("output", *PRINTING)
def show(
    date: Date = None,
    hour: HourOfDay = None,
    domain: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE",
            help="Domain code, such as en or en.m. Repeatable.",
            show_default="the 5 most viewed",
            autocompletion=complete_domains,
        ),
    ] = None,
    count: Annotated[int, typer.Option("-n", min=1, max=1_000_000, metavar="N", help="Pages per domain.")] = 10,
    *,
    settings: Settings,
    out: Output,
) -> None:
    """Show the top pages of an hour. The default is the newest hour in the lake.

    The exit code is 3 if the hour is not in the lake.

    Examples:

      pvtop show

      pvtop show --domain en --domain de.m -n 25

      pvtop show --date 2024-08-03 --hour 6 --domain en --json
    """
    found = _read(settings, date, hour)
    codes = ["" if code == '""' else code for code in domain] if domain else _largest(found)
    _check_domains(codes, found)
    chosen = {code: _pages(found, code, count) for code in codes}
    out.result(_data(found, chosen), _lines(found, chosen))


def _read(settings: Settings, date: str | None, hour: int | None) -> Report:
    """Read the report that --date and --hour mean.

    Raises:
        NotInLakeError: The report is not in the lake.
        OutputError: The lake cannot be read.
    """
    from pvtop.lake.lake import Lake

    lake = Lake.of(settings)
    wanted = hour_in_lake(lake, date, hour)
    found = lake.read(wanted) if wanted else None
    if found is None:
        when = f" of {wanted}" if wanted else described(date, hour)
        raise NotInLakeError(f"the lake {lake.path('')} has no report{when}", remedy="make_report")
    return found


def _largest(report: Report) -> list[str]:
    """Return the codes of the most viewed domains in a report."""
    ranked = report.domains.join(report.top_pages, on="domain_code", how="semi")
    return (
        ranked.sort("views", "domain_code", descending=[True, False]).head(LARGEST).get_column("domain_code").to_list()
    )


def _check_domains(codes: list[str], report: Report) -> None:
    """Check that a report has these domains.

    Raises:
        UsageError: It lacks one of them.
    """
    missing = set(codes) - set(report.domains.get_column("domain_code"))
    if missing:
        known = ", ".join(repr(shorten(code)) for code in _largest(report))
        raise UsageError(f"{report.hour} has no domain {shorten(min(missing))!r}", f"it has, for example, {known}")


def _pages(report: Report, code: str, count: int) -> list[dict[str, Any]]:
    of_domain = report.top_pages.filter(domain_code=code).head(count)
    return of_domain.select("rank", "views", "page_title").to_dicts()


def _data(report: Report, chosen: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    facts = report.provenance
    domains = [{"domain_code": code, "pages": pages} for code, pages in chosen.items()]
    notes = [str(issue) for issue in known_issues([report.hour])]
    return {"hour": report.hour.iso, "start": facts.start, "end": facts.end, "notes": notes, "domains": domains}


def _lines(report: Report, chosen: dict[str, list[dict[str, Any]]]) -> Iterator[str | Text]:
    from rich.text import Text

    from pvtop.core.domain import Domain

    yield f"{report.hour}, views from {report.hour.start:%H:%M} to {report.hour.stamp:%H:%M} UTC"
    for issue in known_issues([report.hour]):
        yield f"Note: {issue}"
    for code, pages in chosen.items():
        domain = Domain.of(code)
        yield ""
        yield Text(
            printable(domain.heading),
            style="bold",
        )
        if not pages:
            yield "      all pages are excluded"
        for page in pages:
            line = Text(f"{page['rank']:4} {page['views']:>11,}  ")
            line.append(_bar(page["views"], pages[0]["views"]), style="cyan").append(
                f"  {printable(page['page_title'])}"
            )
            yield line


def _bar(views: int, most: int) -> str:
    """Return a share of the most as a bar, to an eighth of a character. Use ASCII if stdout lacks the blocks."""
    if not can_draw(BLOCKS):
        return ("#" * round(views * BAR_WIDTH / max(most, 1))).ljust(BAR_WIDTH)
    whole, eighths = divmod(round(views * BAR_WIDTH * 8 / max(most, 1)), 8)
    return (BLOCKS[8] * whole + BLOCKS[eighths].strip()).ljust(BAR_WIDTH)
