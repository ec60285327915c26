"""The commands that make a report and show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli import options
from pvtop.cli.output import Output
from pvtop.core.errors import OutputError, UsageError
from pvtop.core.escape import printable, shorten
from pvtop.core.hour import Hour, check_hour_of_day, parse_date
from pvtop.core.known_issues import known_issues

if TYPE_CHECKING:
    from datetime import date

    from rich.text import Text

    from pvtop.pipeline.results import HourResult
    from pvtop.transform.report import Report

LARGEST = 5  # domains that `show` shows when none is named
BAR_WIDTH = 20
EIGHTHS = " ▏▎▍▌▋▊▉"


def report(
    date: options.Date = None,
    hour: options.HourOfDay = None,
    source: options.Source = None,
    blacklist: options.Blacklist = None,
    output: options.Output = None,
    cache_dir: options.CacheDir = None,
    top: options.Top = None,
    *,
    keep_unknown: options.KeepUnknown = None,
    force: options.Force = None,
    check_source: options.CheckSource = None,
    refresh_dump: options.RefreshDump = None,
    refresh_blacklist: options.RefreshBlacklist = None,
    no_validate: options.NoValidate = None,
    expect_whole: options.ExpectWhole = None,
    contact: options.Contact = None,
    statsd: options.Statsd = None,
    log_format: options.LogFormat = options.Format.TEXT,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Make the report of one hour. The newest published, or the one that is named.

    An hour that is done is not done again, unless its dump, the blacklist or a setting has changed.

    Examples:

      pvtop report --contact you@example.org

      pvtop report --date 2024-08-03 --hour 6

      pvtop report --date 2024-08-03 --hour 6 --source ./mirror --blacklist none --output s3://bucket/lake
    """
    day, wanted = read_hour(date, hour)
    out = Output(json_wanted=json, quiet=quiet, verbose=verbose, json_log=log_format is options.Format.JSON)
    from pvtop.pipeline.hour import newest_hour, run_hour
    from pvtop.settings import Settings

    settings = Settings.load(
        source=source, blacklist=blacklist, output=output, cache_dir=cache_dir, top=top, keep_unknown=keep_unknown,
        force=force, check_source=check_source, refresh_dump=refresh_dump, refresh_blacklist=refresh_blacklist,
        no_validate=no_validate, expect_whole=expect_whole, contact=contact, statsd=statsd,
    )  # fmt: skip
    wanted = wanted or newest_hour(settings, day, hour)
    with out.download(str(wanted)) as progress:
        result = run_hour(wanted, settings, progress)
    out.result(_report_data(result), _report_lines(result))


def _report_data(result: HourResult) -> dict[str, Any]:
    files = {"text": result.text, "top_pages": result.top_pages, "domains": result.domains}
    return {
        "hour": result.hour.iso,
        "state": result.state,
        "files": files,
        "provenance": asdict(result.provenance),
    }


def _report_lines(result: HourResult) -> Iterator[str]:
    facts = result.provenance
    entries = f"{facts.entries:,} entries with {facts.entry_views:,} views"
    yield f"{result.hour}: {facts.domains:,} domains, {entries} ({result.state.label})"
    yield result.text
    yield result.top_pages
    yield result.domains


def show(
    date: options.Date = None,
    hour: options.HourOfDay = None,
    domain: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE",
            help="Domain code, such as en or en.m; may be repeated.",
            show_default="the largest 5",
        ),
    ] = None,
    count: Annotated[int, typer.Option("-n", min=1, max=1_000_000, metavar="N", help="Pages per domain.")] = 10,
    output: options.Output = None,
    *,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show the top pages of an hour. The newest in the lake, or the one that is named.

    Examples:

      pvtop show

      pvtop show --domain en --domain de.m -n 25

      pvtop show --date 2024-08-03 --hour 6 --domain en --json
    """
    day, wanted = read_hour(date, hour)
    out = Output(json_wanted=json, quiet=quiet, verbose=verbose)
    found = _from_lake(output, day, hour, wanted)
    codes = ["" if code == '""' else code for code in domain] if domain else _largest(found)
    _refuse_unknown(codes, found)
    chosen = {code: _pages(found, code, count) for code in codes}
    out.result(_show_data(found, chosen), _show_lines(found, chosen))


def read_hour(date: str | None, hour: int | None) -> tuple[date | None, Hour | None]:
    """Read the day, and the hour where both are given.

    Raises:
        UsageError: There is no such day or hour, or it lies before the first dump.
    """
    day = parse_date(date) if date is not None else None
    if hour is not None:
        check_hour_of_day(hour)
    if day is not None and hour is None:
        Hour.of(day, 23)
    return day, Hour.of(day, hour) if day is not None and hour is not None else None


def _from_lake(output: str | None, day: date | None, hour: int | None, wanted: Hour | None) -> Report:
    """Read the report that is asked for.

    Raises:
        OutputError: The lake does not hold it.
    """
    from pvtop.lake.lake import Lake
    from pvtop.settings import Settings

    settings = Settings.load(output=output)
    lake = Lake(settings.output, settings.timeout)
    wanted = wanted or lake.newest(day, hour)
    found = lake.read(wanted) if wanted else None
    if found is None:
        raise OutputError(
            f"the lake {lake.path('')} holds no report of {wanted or 'that time'}",
            "make one with pvtop report, or name another lake with --output",
        )
    return found


def _largest(report: Report) -> list[str]:
    """Give the codes of the domains in a report with the most views."""
    ranked = report.domains.join(report.top_pages, on="domain_code", how="semi")
    return (
        ranked.sort("views", "domain_code", descending=[True, False]).head(LARGEST).get_column("domain_code").to_list()
    )


def _refuse_unknown(codes: list[str], report: Report) -> None:
    missing = set(codes) - set(report.domains.get_column("domain_code"))
    if missing:
        known = ", ".join(repr(shorten(code)) for code in _largest(report))
        raise UsageError(f"{report.hour} has no domain {shorten(min(missing))!r}", f"it has, for example, {known}")


def _pages(report: Report, code: str, count: int) -> list[dict[str, Any]]:
    of_domain = report.top_pages.filter(domain_code=code).head(count)
    return of_domain.select("rank", "views", "page_title").to_dicts()


def _show_data(report: Report, chosen: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    facts = report.provenance
    domains = [{"domain_code": code, "pages": pages} for code, pages in chosen.items()]
    notes = [str(incident) for incident in known_issues([report.hour])]
    return {"hour": report.hour.iso, "start": facts.start, "end": facts.end, "notes": notes, "domains": domains}


def _show_lines(report: Report, chosen: dict[str, list[dict[str, Any]]]) -> Iterator[str | Text]:
    from rich.text import Text

    from pvtop.core.domain import Domain

    yield f"{report.hour}, views from {report.hour.start:%H:%M} to {report.hour.stamp:%H:%M} UTC"
    for incident in known_issues([report.hour]):
        yield f"Note: {incident}"
    for code, pages in chosen.items():
        domain = Domain.of(code)
        yield ""
        yield Text(
            printable(domain.heading),
            style="bold",
        )
        if not pages:
            yield "      nothing but pages that are left out"
        for page in pages:
            line = Text(f"{page['rank']:4} {page['views']:>11,}  ")
            line.append(_bar(page["views"], pages[0]["views"]), style="cyan").append(
                f"  {printable(page['page_title'])}"
            )
            yield line


def _bar(views: int, most: int) -> str:
    """Draw a share of the most as a bar, to an eighth of a character."""
    whole, eighths = divmod(round(views * BAR_WIDTH * 8 / max(most, 1)), 8)
    return ("█" * whole + EIGHTHS[eighths].strip()).ljust(BAR_WIDTH)
