"""The command that makes the reports of many hours."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.days import TRY_AGAIN, action_data, advice, outcome_data, outcome_lines, plan_lines
from pvtop.cli.hours import End, HoursOfDay, Last, Month, Start, WholeDay, hours_of_days, published_hours
from pvtop.cli.options import MAKING, PRINTING, command_options
from pvtop.cli.output import Output, failed, number_of_days, number_of_hours, runs
from pvtop.core.errors import HoursFailedError, NotPublishedError, interrupted
from pvtop.core.states import HourState

if TYPE_CHECKING:
    from rich.text import Text

    from pvtop.core.day import Day
    from pvtop.core.hour import Hour
    from pvtop.pipeline.batch import BatchResult
    from pvtop.pipeline.plan import Action
    from pvtop.settings import Settings

BATCH_HOURS = 24


@command_options(*MAKING, "mart", *PRINTING)
def batch(
    start: Start = None,
    end: End = None,
    last: Last = None,
    hours: HoursOfDay = None,
    day: WholeDay = None,
    month: Month = None,
    *,
    days: Annotated[bool, typer.Option("--days", help="Also make the day files of whole UTC days.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan without carrying it out.")] = False,
    settings: Settings,
    out: Output,
) -> None:
    """Make the reports of many hours. The default is the 24 newest published hours.

    A report that is up to date is not made again. A report is outdated if its dump, the blacklist, --top or
    --keep-unknown has changed. An hour that fails does not stop the others. If any hour failed, the batch lists the
    failed hours at the end and exits with code 4. Run this command every hour. It also makes the reports that earlier
    runs missed.

    With --mart, each report is also loaded into a datamart, as soon as it is made. A report that is up to date is
    loaded if the datamart lacks it.

    With --days, the batch also makes day files, from the same reading of the dumps. It makes those of the UTC days
    whose 24 hours are all in the range. --start and --end are stamps, and a stamp is the END of an hour. --day and
    --month are whole UTC days.

    Examples:

      pvtop batch

      pvtop batch --month 2024-08 --days

      pvtop batch --last 48 --dry-run

      pvtop batch --start 2024-08-01 --end 2024-08-31 --hours 0,6,12-17
    """
    from pvtop.cli.progress import log_days, watching
    from pvtop.pipeline.batch import plan_batch, run_hours
    from pvtop.pipeline.days import plan_days
    from pvtop.pipeline.days_of_batch import partial_days, whole_days

    wanted = published_hours(settings, start, end, last, hours, BATCH_HOURS, hours_of_days(day, month))
    partial = partial_days(wanted) if days else []
    if dry_run:
        actions = plan_batch(wanted, settings)
        of_days = plan_days(whole_days(wanted), settings, only_whole=True) if days else []
        data = [_action(action) for action in actions]
        lines = chain(plan_lines(of_days), _partial_lines(partial), _plan_lines(actions))
        out.result(data + list(map(action_data, of_days)), lines)
        return
    with _loading(settings, wanted) as after, watching(out) as watch:
        try:
            result = run_hours(wanted, settings, watch, days=days, after=after)
        except KeyboardInterrupt as interrupt:
            raise interrupted(interrupt, watch.progress) from None
    log_days(result.days)
    out.result(_data(result, partial), _lines(result, partial))
    _raise_for_failures(result, len(wanted))


@contextlib.contextmanager
def _loading(settings: Settings, hours: Sequence[Hour]) -> Iterator[Callable[[Hour], object] | None]:
    """Yield a function that loads an hour into the mart, None if no mart is named.

    Raises:
        MartError: The mart cannot be reached or written.
    """
    if not settings.mart:
        yield None
        return
    from pvtop.cli.mart import open_mart
    from pvtop.lake.lake import Lake
    from pvtop.mart.parts import HourPart

    mart = open_mart(settings)
    with mart.loader(Lake.of(settings)) as loader:
        yield loader.following(list(map(HourPart, hours)))


def _raise_for_failures(result: BatchResult, wanted: int) -> None:
    """Raise the error that fits the result of a batch.

    Raises:
        HoursFailedError: Hours or days failed.
        NotPublishedError: None of the hours is published.
    """
    hours, days = result.counts[HourState.FAILED], Counter(one.state for one in result.days)[HourState.FAILED]
    failed = [f"{hours:,} of {number_of_hours(wanted)}"] if hours else []
    failed += [number_of_days(days)] if days else []
    if failed:
        raise HoursFailedError(f"{' and '.join(failed)} failed", *(TRY_AGAIN if hours else advice(result.days)))
    if wanted and result.counts[HourState.NOT_PUBLISHED] == wanted:
        hint = result.layout or "leave out the range for the newest hours"
        raise NotPublishedError("none of the hours is published", hint, "source" if result.layout else "")


def _action(action: Action) -> dict[str, Any]:
    return {
        "hour": action.hour.iso,
        "action": action.kind,
        "reason": action.reason,
        "download_bytes": action.download_bytes,
    }


def _plan_lines(actions: Sequence[Action]) -> Iterator[str]:
    from pvtop.cli.progress import label_and_reason, summary

    for (label, reason), alike in groupby(actions, key=label_and_reason):
        yield from runs([action.hour for action in alike], label, reason)
    yield summary(actions)


def _data(result: BatchResult, partial: Sequence[Day]) -> dict[str, Any]:
    return {
        "counts": dict(sorted(result.counts.items())),
        "failures": [{"hour": failure.hour.iso, "error": str(failure.error)} for failure in result.failures],
        "not_published": [hour.iso for hour in result.not_published],
        "days": [outcome_data(outcome) for outcome in result.days],
        "partial_days": [day.iso for day in partial],
    }


def _lines(result: BatchResult, partial: Sequence[Day]) -> Iterator[str | Text]:
    for failure in result.failures:
        yield failed(f"{failure.hour.iso}  failed: {failure.error}")
    yield from runs(sorted(result.not_published), HourState.NOT_PUBLISHED.label)
    yield from outcome_lines(result.days)
    yield from _partial_lines(partial)
    counts = [f"{count:,} {state.label}" for state, count in sorted(result.counts.items()) if count]
    yield f"{number_of_hours(result.counts.total())}: {', '.join(counts)}"


def _partial_lines(days: Sequence[Day]) -> Iterator[str]:
    yield from runs(days, "without a day file", "only some hours are in the range")
