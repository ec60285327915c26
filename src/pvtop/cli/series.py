"""The command that shows the views of pages over time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote

import typer

from pvtop.cli.hours import End, Month, Start, WholeDay, read_period
from pvtop.cli.options import TABLES, command_options
from pvtop.cli.output import Output, cut, drawn_blocks, number_of_days, number_of_hours
from pvtop.cli.pages import PageNames, PagesFile, chosen_pages
from pvtop.core.counted import counted
from pvtop.core.day import HOURS_OF_A_DAY
from pvtop.core.domain import Domain
from pvtop.core.escape import printable, shorten
from pvtop.core.hour import ONE_HOUR, first_runs
from pvtop.core.known_issues import known_issues
from pvtop.core.page import Page
from pvtop.core.period import Period, Step

if TYPE_CHECKING:
    import polars as pl
    from rich.text import Text

    from pvtop.pipeline.series import SeriesResult
    from pvtop.settings import Settings

BLOCKS_OF_PAGES = 10  # pages with a block each; more have a line each
TABLE_ROWS = 31  # rows of a page's table: a month by day. More are left to the sparkline
LINE_WIDTH = 72  # columns of a sparkline if stdout is not a terminal
SHORT_LINE = 24  # columns of a sparkline on the line of a page
SHOWN = 5  # pages in a message
ALL_ACCESS = "desktop, mobile and zero"

log = logging.getLogger(__name__)


@command_options("source", "cache_dir", "output", *TABLES)
def series(
    page: PageNames = None,
    pages_file: PagesFile = None,
    day: WholeDay = None,
    month: Month = None,
    start: Start = None,
    end: End = None,
    by: Annotated[Step, typer.Option("--by", help="What a row covers.")] = Step.HOUR,
    *,
    merge_access: Annotated[
        bool, typer.Option("--merge-access", help="Add up desktop, mobile and zero of a wiki, under its desktop code.")
    ] = False,
    settings: Settings,
    out: Output,
) -> None:
    """Show the views of pages over time, hour by hour or day by day.

    A PAGE is a domain code, a colon and a title, as in en:Climate, or the address of an article. Only an address is
    percent-decoded. A space in a title counts as _. Nothing before the colon means the empty code. Pages on the
    blacklist and pages titled - are shown, too.

    The days of --day and --month are UTC days. --start and --end are stamps, as in batch: a stamp is the END of an
    hour. So --start with a date means T00 to T23, which is the last hour of the day before and 23 hours of that date.
    The default is the last 7 days in the lake.

    The views come from day files (pvtop days build). For days without one, they come from the dumps on this machine,
    which takes longer. Nothing is downloaded.

    In the line of blocks, the lowest block is 0 views, and a gap is no data.

    --csv has one row for each page and hour or day: start (UTC), domain_code, page_title, views and, with
    --merge-access, mobile_views. 0 means no views. An empty field means no data.

    The exit code is 3 if there is no data at all.

    Examples:

      pvtop series en:Climate https://de.wikipedia.org/wiki/Klima

      pvtop series en:Climate --day 2024-12-31 --merge-access

      pvtop series en:Climate --start 2024-12-23T01 --end 2025-01-01T00 --by day

      pvtop series --from pages.txt --month 2024-12 --csv
    """
    from pvtop.cli.progress import waiting
    from pvtop.pipeline.series import last_days, read_series

    pages = chosen_pages(page or [], pages_file)
    period = read_period(day, month, start, end) or _told(last_days(settings))
    with waiting(out, f"reading {number_of_hours(len(period.hours))}"):
        found = read_series(pages, period, settings, by, merge_access=merge_access)
    _log_gaps(found)
    _log_never_seen(found.never_seen)
    out.result(lambda: _data(found), _lines(found, out.width), _rows(found))


def _told(period: Period) -> Period:
    """Log which period is the default."""
    log.info("no hours are given, so these are the last days in the lake: %s to %s UTC", *_bounds(period))
    return period


def _bounds(period: Period) -> tuple[str, str]:
    """Return the start of the first hour and the end of the last."""
    return f"{period.first.start:%Y-%m-%d %H:%M}", f"{period.last.stamp:%Y-%m-%d %H:%M}"


def _log_gaps(found: SeriesResult) -> None:
    """Log which days have no day file, which hours have no data, and which days are only partly in the period."""
    if days := found.days_without_file:
        log.info(
            "%s without a day file, so the dumps on this machine were read; to make it fast: "
            "pvtop days build --start %s --end %s",
            number_of_days(len(days)),
            days[0],
            days[-1],
        )
    if hours := found.hours_without_data:
        log.warning("%s without data: %s", number_of_hours(len(hours)), first_runs(hours))
    if found.step is Step.DAY and (days := found.partial_days):
        log.info("the range has only some hours of %s; a stamp is the END of an hour", " and ".join(map(str, days)))


def _log_never_seen(pages: Sequence[Page]) -> None:
    """Log which pages have no views, with the spelling that may be meant."""
    for page in pages[:SHOWN]:
        log.warning("%s has no views in the period; %s", shorten(str(page)), _advice(page))
    if more := pages[SHOWN:]:
        log.warning("%s more pages have no views in the period", f"{len(more):,}")


def _advice(page: Page) -> str:
    """Return what may be wrong with a page that never occurs."""
    code, title = page.domain_code, page.title
    decoded = unquote(title).replace(" ", "_")
    capital = title if Domain.of(code).project == "wiktionary" else title[0].upper() + title[1:]
    if code and Domain.of(code).host is None:
        return f"{shorten(code)!r} is not a known domain code"
    if decoded != title:
        return f"only addresses are percent-decoded: did you mean {shorten(str(Page(code, decoded)))}?"
    if capital != title:
        return f"did you mean {shorten(str(Page(code, capital)))}?"
    return "check the spelling: capital and small letters differ"


def _rows(found: SeriesResult) -> pl.DataFrame:
    """Return the rows of the series with times as text."""
    import polars as pl

    starts = pl.Series("start", list(found.hours), found.frame.schema["start"])
    texts = starts.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return found.frame.with_columns(pl.col("start").replace_strict(starts, texts, return_dtype=pl.String))


def _data(found: SeriesResult) -> dict[str, Any]:
    period = found.period
    return {
        "start": f"{period.first.start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{period.last.stamp:%Y-%m-%dT%H:%M:%SZ}",
        "by": str(found.step),
        "notes": [str(issue) for issue in known_issues(period.hours)],
        "hours_without_data": [hour.iso for hour in found.hours_without_data],
        "rows": _rows(found).to_dicts(),
    }


def _lines(found: SeriesResult, width: int | None) -> Iterator[str | Text]:
    yield f"Views from {' to '.join(_bounds(found.period))} UTC, by {found.step}"
    for issue in known_issues(found.period.hours):
        yield f"Note: {issue}"
    if len(found.pages) > BLOCKS_OF_PAGES:
        yield from _line_of_each(found, width)
        return
    for page, rows in _by_page(found):
        yield ""
        yield from _block(found, page, rows, width)


def _by_page(found: SeriesResult) -> Iterator[tuple[Page, pl.DataFrame]]:
    """Yield each page with its rows."""
    times = len(found.hours)
    for number, page in enumerate(found.pages):
        yield page, found.frame.slice(number * times, times)


def _line_of_each(found: SeriesResult, width: int | None) -> Iterator[str | Text]:
    """Yield a line for each page: its views, the most of them at a time, a sparkline and its name."""
    from rich.text import Text

    yield ""
    columns = min(SHORT_LINE, len(found.hours))
    yield f"{'views':>13}  {f'most in a {found.step}':>14}  {'':{columns}}  page"
    for page, rows in _by_page(found):
        views = rows.get_column("views").to_list()
        known = [count for count in views if count is not None]
        line = Text(f"{sum(known):>13,}  {max(known):>14,}  ").append(drawn_blocks(views, columns), style="cyan")
        yield cut(line.append("  ").append_text(_linked(page, str(page), width)), width)


def _block(found: SeriesResult, page: Page, rows: pl.DataFrame, width: int | None) -> Iterator[Text]:
    """Yield the lines of a page: its heading, its total, a sparkline and, if there are few rows, a table."""
    from rich.text import Text

    merged = "mobile_views" in rows.columns
    views = rows.get_column("views").to_list()
    yield cut(_heading(page, width, merged=merged), width)
    yield cut(Text(f"  {_total(rows, found.step)}"), width)
    if not any(views):
        return
    yield Text("  ").append(drawn_blocks(views, LINE_WIDTH if width is None else width - 2), style="cyan")
    if len(views) <= TABLE_ROWS:
        for row in rows.iter_rows(named=True):
            yield cut(Text(_table_line(row, found)), width)


def _heading(page: Page, width: int | None, *, merged: bool) -> Text:
    """Return the domain as in `show`, and the title, which is a link on a terminal."""
    from rich.text import Text

    domain = Domain.of(page.domain_code)
    access = ALL_ACCESS if merged and domain.host else domain.access
    heading = "  ".join(filter(None, [domain.label, domain.host or domain.project, access]))
    return Text(f"{printable(heading)}  ", style="bold").append_text(_linked(page, page.title, width))


def _linked(page: Page, text: str, width: int | None) -> Text:
    from rich.style import Style
    from rich.text import Text

    address = None if width is None else Domain.of(page.domain_code).page_address(page.title)
    return Text(printable(text), Style(link=address))


def _total(rows: pl.DataFrame, step: Step) -> str:
    """Return the total of a page, how much of it is mobile, and when it had the most."""
    known = [(start, views) for start, views in rows.select("start", "views").iter_rows() if views is not None]
    total = sum(views for _, views in known)
    words = [counted(total, "view")]
    if "mobile_views" in rows.columns and (mobile := rows.get_column("mobile_views").drop_nulls().to_list()):
        words.append(f"{sum(mobile):,} of them mobile")
    if total:
        start, most = max(known, key=lambda row: row[1])
        words.append(f"most {most:,} {_when(start, step)}")
    return ", ".join(words)


def _when(start: datetime, step: Step) -> str:
    if step is Step.DAY:
        return f"on {start:%Y-%m-%d}"
    return f"from {start:%H:%M} to {start + ONE_HOUR:%H:%M} UTC on {start:%Y-%m-%d}"


def _table_line(row: dict[str, Any], found: SeriesResult) -> str:
    """Return the line of an hour or a day. A day names the number of its hours with data if some have none."""
    start, covered = row["start"], found.hours[row["start"]]
    by_day = found.step is Step.DAY
    when = f"{start:%Y-%m-%d}" if by_day else f"{start:%Y-%m-%d %H:%M}"
    if row["views"] is None:
        return f"  {when}  {'no data':>13}"
    mobile = row.get("mobile_views")
    words = [f"  {when}  {row['views']:>13,}", *([f"{mobile:>13,} mobile"] if mobile is not None else [])]
    return "  ".join([*words, *([f"{covered} of 24 hours"] if by_day and covered < HOURS_OF_A_DAY else [])])
