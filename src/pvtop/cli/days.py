"""The commands for day files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.help import HOURS, GroupedCommand
from pvtop.cli.hints import remaking
from pvtop.cli.options import BUILDING, PRINTING, TABLES, command_options
from pvtop.cli.output import Output, Table, failed, number_of_days, number_of_hours, runs
from pvtop.core.counted import counted
from pvtop.core.errors import (
    HoursFailedError,
    InvalidReportError,
    NoDayFilesError,
    NotPublishedError,
    UsageError,
)
from pvtop.core.hour import first_runs
from pvtop.core.states import HourState, counts_as_text

if TYPE_CHECKING:
    from rich.text import Text

    from pvtop.core.day import Day
    from pvtop.lake.lake import Lake
    from pvtop.pipeline.day_plan import DayAction
    from pvtop.pipeline.results import DayOutcome, DaysResult
    from pvtop.settings import Settings

TRY_AGAIN = ("the next run tries them again", "")

app = typer.Typer(
    help="Make day files, list and verify them: every page of a UTC day, hour by hour.", no_args_is_help=True
)

StartDay = Annotated[
    str | None,
    typer.Option("--start", metavar="YYYY-MM-DD", help="First UTC day.", rich_help_panel=HOURS),
]
EndDay = Annotated[
    str | None,
    typer.Option(
        "--end", metavar="YYYY-MM-DD", help="Last UTC day. The default is that of --start.", rich_help_panel=HOURS
    ),
]
LastDays = Annotated[
    int | None,
    typer.Option(
        "--last",
        min=1,
        max=10_000,
        metavar="N",
        help="N days, up to the newest one whose last hour is published.",
        rich_help_panel=HOURS,
    ),
]


@app.command(cls=GroupedCommand)
@command_options(*BUILDING, *PRINTING)
def build(
    start: StartDay = None,
    end: EndDay = None,
    last: LastDays = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan without carrying it out.")] = False,
    settings: Settings,
    out: Output,
) -> None:
    """Make day files. The default is the newest day whose last hour is published.

    A day file holds every page of a UTC day with its views hour by hour. It is made from 24 dumps, which are stamped
    T01 to T23 of that day and T00 of the next. Dumps that are not on this machine are downloaded. If an hour is not
    published, the day file is made without it. Excluded pages are in it, because the blacklist is applied when a day
    file is read.

    A day file that is up to date is not made again. It is outdated if one of its dumps has changed, or if a dump that
    was missing has appeared.

    Examples:

      pvtop days build

      pvtop days build --start 2024-08-01 --end 2024-08-07

      pvtop days build --last 7 --dry-run
    """
    from pvtop.cli.progress import watching_days
    from pvtop.pipeline.days import build_days, plan_days

    days = chosen_days(start, end, last) or newest_days(settings, last or 1)
    if dry_run:
        actions = plan_days(days, settings)
        out.result([action_data(action) for action in actions], plan_lines(actions))
        return
    with watching_days(out) as observer:
        result = build_days(days, settings, observer)
    out.result([outcome_data(one) for one in result.outcomes], _result_lines(result))
    _raise_for_failures(result)


@app.command(name="ls", cls=GroupedCommand)
@command_options("output", *TABLES)
def list_days(start: StartDay = None, end: EndDay = None, *, settings: Settings, out: Output) -> None:
    """List the day files in the lake, with their pages, views and missing hours.

    --csv and --json name the missing hours. A damaged day file has no counts. The exit code is 3 if there is no day
    file.

    Examples:

      pvtop days ls

      pvtop days ls --start 2024-08-01 --end 2024-08-31 --csv
    """
    from pvtop.lake.lake import Lake

    lake = Lake.of(settings)
    rows = [_listed(lake, day) for day in days_in_lake(lake, start, end)]
    out.result(rows, map(_listed_line, rows), _table(rows))


@app.command(cls=GroupedCommand)
@command_options("output", *PRINTING)
def verify(start: StartDay = None, end: EndDay = None, *, settings: Settings, out: Output) -> None:
    """Read day files in full, and check that they are in order and that their counts add up.

    The exit code is 5 if a day file is damaged, and 3 if there is no day file.

    Examples:

      pvtop days verify

      pvtop days verify --start 2024-08-01 --end 2024-08-31
    """
    from pvtop.lake.lake import Lake
    from pvtop.pipeline.day_audit import faults

    lake = Lake.of(settings)
    found = {day: faults(lake, day) for day in days_in_lake(lake, start, end)}
    data = [{"day": day.iso, "faults": texts} for day, texts in found.items()]
    out.result(data, _verified_lines(found))
    if damaged := {day: lake.day_provenance(day) is not None for day, texts in found.items() if texts}:
        raise InvalidReportError(
            f"damaged day files: {first_runs(list(damaged))}", f"make them again: {remaking(damaged)}"
        )


def chosen_days(start: str | None, end: str | None, last: int | None) -> list[Day]:
    """Return the UTC days of a range. Empty if none is given.

    Raises:
        UsageError: The options contradict each other, or one is invalid.
    """
    from pvtop.core.day import Day, day_range

    if last is not None and (start, end) != (None, None):
        raise UsageError("--last cannot be combined with --start or --end", "give a range, or a number of newest days")
    if start is not None:
        return day_range(Day.parse(start), Day.parse(start if end is None else end))
    if end is not None:
        raise UsageError("--end needs --start", "give both, or --last for the newest days")
    return []


def newest_days(settings: Settings, count: int) -> list[Day]:
    """Return the newest days whose last hour is published, the oldest of them first.

    Raises:
        NotPublishedError: The source has no dump.
        SourceError: The source cannot be read.
    """
    from pvtop.core.day import Day, day_range
    from pvtop.pipeline.lookup import newest_hour

    newest = newest_hour(settings)
    last = Day.of_hour(newest) if newest.stamp.hour == 0 else Day.of_hour(newest) + -1
    return day_range(last + (1 - count), last)


def days_in_lake(lake: Lake, start: str | None, end: str | None) -> list[Day]:
    """Return the days in the lake, of a range or all of them.

    Raises:
        NoDayFilesError: There is none.
        UsageError: A day is invalid.
        OutputError: The lake cannot be read.
    """
    wanted = set(chosen_days(start, end, None)) if (start, end) != (None, None) else None
    found = [day for day in lake.days() if wanted is None or day in wanted]
    if not found:
        when = "" if start is None else f" from {start} to {end or start}"
        days = sorted(day.iso for day in wanted or ())
        raise NoDayFilesError(f"the lake {lake.path('')} has no day file{when}", "make some with build_days", days=days)
    return found


def _raise_for_failures(result: DaysResult) -> None:
    """Raise the error that fits the result.

    Raises:
        PvtopError: The only day failed.
        HoursFailedError: Days failed.
        NotPublishedError: None of the days is published.
    """
    counts = result.counts
    if len(result.outcomes) == 1 and counts[HourState.FAILED] and (error := result.outcomes[0].error):
        raise error
    if count := counts[HourState.FAILED]:
        message = f"{count:,} of {number_of_days(len(result.outcomes))} failed"
        raise HoursFailedError(message, *advice(result.outcomes))
    if counts[HourState.NOT_PUBLISHED] == len(result.outcomes):
        hint = result.layout or "choose earlier days"
        raise NotPublishedError("none of the days is published", hint, "source" if result.layout else "")


def advice(outcomes: Sequence[DayOutcome]) -> tuple[str, str]:
    """Return a hint and its setting for the days that failed. If all have the same hint with a setting, return that."""
    errors = [one.error for one in outcomes if one.state is HourState.FAILED]
    hints = {(error.hint, error.setting) if error and error.setting else TRY_AGAIN for error in errors}
    return hints.pop() if len(hints) == 1 else TRY_AGAIN


def action_data(action: DayAction) -> dict[str, Any]:
    """Return the action of a day for JSON."""
    return {
        "day": action.day.iso,
        "action": action.kind,
        "reason": action.reason,
        "missing_hours": [hour.iso for hour in action.missing],
    }


def plan_lines(actions: Sequence[DayAction]) -> Iterator[str]:
    """Yield a line for each run of consecutive days with the same action."""
    from pvtop.cli.progress import label_and_reason

    for (label, reason), alike in groupby(actions, key=label_and_reason):
        yield from runs([action.day for action in alike], label, reason)


def outcome_data(outcome: DayOutcome) -> dict[str, Any]:
    """Return the outcome of a day for JSON."""
    made = outcome.provenance
    return {
        "day": outcome.day.iso,
        "state": outcome.state,
        "reason": outcome.reason,
        "pages": made.pages if made else None,
        "views": made.views if made else None,
        "missing_hours": [hour.iso for hour in made.missing] if made else None,
    }


def _result_lines(result: DaysResult) -> Iterator[str | Text]:
    yield from outcome_lines(result.outcomes)
    yield f"{number_of_days(len(result.outcomes))}: {counts_as_text(result.counts)}"


def outcome_lines(outcomes: Sequence[DayOutcome]) -> Iterator[str | Text]:
    """Yield a line for each day, and one for each run of consecutive days that are not published."""
    for is_published, alike in groupby(outcomes, key=lambda one: one.state is not HourState.NOT_PUBLISHED):
        if is_published:
            yield from map(_outcome_line, alike)
        else:
            yield from runs([one.day for one in alike], HourState.NOT_PUBLISHED.label)


def _outcome_line(outcome: DayOutcome) -> str | Text:
    made = outcome.provenance
    if outcome.state is HourState.FAILED:
        return failed(f"{outcome.day}  failed: {outcome.reason}")
    if made is None:
        return f"{outcome.day}  {outcome.reason}"
    return f"{outcome.day}  {outcome.state.label}: {_counts(made.pages, made.views, len(made.missing))}"


def _counts(pages: int, views: int, missing: int) -> str:
    gap = f", {number_of_hours(missing)} missing" if missing else ""
    return f"{counted(pages, 'page')}, {counted(views, 'view')}{gap}"


def _listed(lake: Lake, day: Day) -> dict[str, Any]:
    made = lake.day_provenance(day)
    return {
        "day": day.iso,
        "pages": made.pages if made else None,
        "views": made.views if made else None,
        "domains": len(made.domains) if made else None,
        "missing_hours": [hour.iso for hour in made.missing] if made else None,
    }


def _listed_line(row: dict[str, Any]) -> str:
    if row["missing_hours"] is None:
        return f"{row['day']}  damaged, or made by another version"
    return f"{row['day']}  {_counts(row['pages'], row['views'], len(row['missing_hours']))}"


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    yield "day", "pages", "views", "domains", "missing_hours"
    for row in rows:
        yield row["day"], row["pages"], row["views"], row["domains"], " ".join(row["missing_hours"] or [])


def _verified_lines(found: dict[Day, list[str]]) -> Iterator[str | Text]:
    for day, texts in found.items():
        for text in texts:
            yield failed(f"{day}  {text}")
    counts = Counter(bool(texts) for texts in found.values())
    yield f"{number_of_days(len(found))}: {counts[False]:,} valid, {counts[True]:,} damaged"
