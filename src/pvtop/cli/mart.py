"""The commands about the datamart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.help import HOURS, GroupedCommand
from pvtop.cli.hours import Date, End, HourOfDay, LastInLake, Start, hours_in_lake, read_period
from pvtop.cli.options import PRINTING, TO, command_options
from pvtop.cli.output import Output, failed, runs
from pvtop.cli.rollup import MergeAccess
from pvtop.core.counted import counted
from pvtop.core.errors import HoursFailedError, NotInLakeError, UsageError

if TYPE_CHECKING:
    from pvtop.core.hour import Hour
    from pvtop.core.period import Period
    from pvtop.lake.lake import Lake
    from pvtop.mart.load import LoadResult
    from pvtop.mart.mart import Mart, MartInfo
    from pvtop.settings import Settings

app = typer.Typer(help="Load reports into a database for SQL and BI tools.", no_args_is_help=True)

RollupOfDay = Annotated[
    str | None,
    typer.Option("--day", metavar="YYYY-MM-DD", help="The rollup of this UTC day.", rich_help_panel=HOURS),
]
RollupOfMonth = Annotated[
    str | None,
    typer.Option("--month", metavar="YYYY-MM", help="The rollup of this month.", rich_help_panel=HOURS),
]


def open_mart(settings: Settings) -> Mart:
    """Return the mart of the settings.

    Raises:
        UsageError: None is named, or the address is not that of a mart.
        MartError: A package that it needs is not installed.
    """
    from pvtop.mart.mart import Mart

    return Mart(settings.mart or "")


@app.command(cls=GroupedCommand)
@command_options(TO, *PRINTING)
def init(*, settings: Settings, out: Output) -> None:
    """Make the tables and views of a datamart. If they are missing, pvtop mart load makes them, too.

    On a server, the database must exist. A DuckDB file is made if it is missing.

    Examples:

      pvtop mart init --to mart.duckdb

      PVTOP_MART=postgresql://user:password@host/database pvtop mart init
    """
    mart = open_mart(settings)
    made = mart.init()
    out.result(
        {"address": str(mart.address), "made": made},
        iter([f"{mart.address}: {'the tables are made' if made else 'the tables are there'}"]),
    )


@app.command(cls=GroupedCommand)
@command_options("output", TO, "log_format", *PRINTING)
def load(
    date: Date = None,
    hour: HourOfDay = None,
    start: Start = None,
    end: End = None,
    last: LastInLake = None,
    day: RollupOfDay = None,
    month: RollupOfMonth = None,
    *,
    merge_access: MergeAccess = False,
    settings: Settings,
    out: Output,
) -> None:
    """Load reports and rollups of the lake into a datamart. Make the tables if they are missing.

    The default is every hour and rollup that the datamart lacks, or has from another report. To name hours, use --date
    and --hour, --start and --end, or --last. To name a rollup, use --day or --month. Named hours and rollups are always
    loaded.

    Each hour is replaced in one transaction. So a load that ends early leaves no hour half loaded. Hours that the lake
    lacks are listed, and do not count as failed. If any hour failed, the exit code is 4.

    Examples:

      pvtop mart load --to mart.duckdb

      pvtop mart load --to mart.duckdb --start 2024-08-01 --end 2024-08-31

      pvtop mart load --to mart.duckdb --month 2024-08 --merge-access
    """
    from pvtop.cli.progress import watching_load
    from pvtop.core.errors import interrupted
    from pvtop.lake.lake import Lake

    lake = Lake.of(settings)
    rollup = read_period(day, month, None, None)
    hours = _named_hours(lake, rollup, (date, hour, start, end, last), merge_access=merge_access)
    mart = open_mart(settings)
    with watching_load(out) as watch:
        try:
            result = mart.load(lake, hours, [rollup] if rollup else None, merge_access=merge_access, observer=watch)
        except KeyboardInterrupt as interrupt:
            raise interrupted(interrupt, watch.progress) from None
    if len(result.missing) == result.counts.total() == 1 and (error := result.missing[0].error):
        raise error
    out.result(_data(mart, result), _lines(result))
    if result.failures:
        wanted = counted(result.counts.total(), "load")
        raise HoursFailedError(f"{len(result.failures):,} of {wanted} failed", "the next load tries them again")


@app.command(cls=GroupedCommand)
@command_options(TO, *PRINTING)
def info(*, settings: Settings, out: Output) -> None:
    """Describe a datamart: how many hours, rollups, rows, domains and pages it has.

    Example:

      pvtop mart info --to mart.duckdb
    """
    found = open_mart(settings).info()
    out.result(_info(found), _info_lines(found))


def _named_hours(
    lake: Lake,
    rollup: Period | None,
    named: tuple[str | None, int | None, str | None, str | None, int | None],
    *,
    merge_access: bool,
) -> list[Hour] | None:
    """Return the hours that the options name, None if they name none.

    Raises:
        UsageError: The options contradict each other, or one is invalid.
        NotInLakeError: No hour of the lake fits them.
    """
    if rollup is None and merge_access:
        raise UsageError("--merge-access needs a rollup", "give --day or --month; the default loads all rollups")
    if named == (None,) * len(named):
        return None
    if rollup:
        raise UsageError("--day and --month name a rollup, and cannot be combined with hours", "give one of them")
    if hours := hours_in_lake(lake, *named):
        return hours
    raise NotInLakeError(f"the lake {lake.path('')} has no such hours", remedy="make_report")


def _data(mart: Mart, result: LoadResult) -> dict[str, Any]:
    return {
        "address": str(mart.address),
        "counts": {state.value: count for state, count in sorted(result.counts.items())},
        "rows": result.rows,
        "failures": [{"part": one.part.label, "error": str(one.error)} for one in result.failures],
        "not_in_lake": [one.part.label for one in result.missing],
    }


def _lines(result: LoadResult) -> Iterator[str | Any]:
    from pvtop.mart.parts import HourPart

    for failure in result.failures:
        yield failed(f"{failure.part.label}  failed: {failure.error}")
    yield from runs([one.part.hour for one in result.missing if isinstance(one.part, HourPart)], "not in the lake")
    yield str(result)


def _info(found: MartInfo) -> dict[str, Any]:
    return {
        "address": found.address,
        "database": f"{found.product} {found.version}",
        "schema": found.schema,
        "hours": found.hours,
        "first": found.first.iso if found.first else None,
        "last": found.last.iso if found.last else None,
        "rollups": found.rollups,
        "rows": found.rows,
        "domains": found.domains,
        "pages": found.pages,
    }


def _info_lines(found: MartInfo) -> Iterator[str]:
    hours = f"{found.hours:,}" + (f", {found.first.iso} to {found.last.iso}" if found.first and found.last else "")
    yield f"{found.address}"
    yield f"database  {found.product} {found.version}, tables of version {found.schema}"
    yield f"hours     {hours}"
    yield f"rollups   {found.rollups:,}"
    yield f"rows      {found.rows:,}"
    yield f"domains   {found.domains:,}"
    yield f"pages     {found.pages:,}"
