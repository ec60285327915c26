"""The commands about many hours: making them, and seeing what there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli import options
from pvtop.cli.hours import parse_bound, parse_hours_of_day
from pvtop.cli.output import Output
from pvtop.core.errors import HoursFailedError, NotPublishedError, UsageError
from pvtop.core.hour import Hour, hour_range
from pvtop.core.states import HourState

if TYPE_CHECKING:
    from pvtop.pipeline.batch import BatchResult
    from pvtop.pipeline.plan import Action
    from pvtop.settings import Settings

LAST_HOURS = 24
LABELS = {"make": "to make", "verify": "to verify", "none": "nothing to do"}


def batch(
    start: options.Start = None,
    end: options.End = None,
    last: options.Last = None,
    hours: options.HoursOfDay = None,
    source: options.Source = None,
    blacklist: options.Blacklist = None,
    output: options.Output = None,
    cache_dir: options.CacheDir = None,
    top: options.Top = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and do nothing.")] = False,
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
    """Make the reports of many hours. A range, or the newest published; the last 24 where nothing is said.

    What is done is not done again, unless its dump, the blacklist or a setting has changed. An hour that fails stops
    no other: the batch then ends with exit code 4 and the list of them. Run it every hour, and it catches up by itself.

    Examples:

      pvtop batch

      pvtop batch --last 48 --dry-run

      pvtop batch --start 2024-08-01 --end 2024-08-31 --hours 0,6,12-17
    """
    out = Output(json_wanted=json, quiet=quiet, verbose=verbose, json_log=log_format is options.Format.JSON)
    from pvtop.cli.progress import watching
    from pvtop.pipeline.batch import plan_batch, run_hours
    from pvtop.settings import Settings

    settings = Settings.load(
        source=source, blacklist=blacklist, output=output, cache_dir=cache_dir, top=top, keep_unknown=keep_unknown,
        force=force, check_source=check_source, refresh_dump=refresh_dump, refresh_blacklist=refresh_blacklist,
        no_validate=no_validate, expect_whole=expect_whole, contact=contact, statsd=statsd,
    )  # fmt: skip
    wanted = choose_hours(settings, start, end, last, hours)
    if dry_run:
        actions = plan_batch(wanted, settings)
        out.result([_action(action) for action in actions], _plan_lines(actions))
        return
    with watching(out) as watch:
        result = run_hours(wanted, settings, watch)
    out.result(_data(result), _lines(result))
    _refuse(result, len(wanted))


def choose_hours(
    settings: Settings,
    start: str | None,
    end: str | None,
    last: int | None,
    hours: str | None,
    default: int = LAST_HOURS,
) -> list[Hour]:
    """Read which hours are meant.

    Raises:
        UsageError: The options contradict each other, or one cannot be read.
        PvtopError: The source's listing cannot be read, where the newest hours are meant.
    """
    if last is not None and (start or end):
        raise UsageError("--last and --start or --end exclude each other", "give a range, or a number of newest hours")
    of_day = parse_hours_of_day(hours) if hours else frozenset(range(24))
    chosen = read_range(start, end)
    if not chosen:
        from pvtop.pipeline.batch import last_hours

        chosen = last_hours(settings, last or default)
    return [hour for hour in chosen if hour.stamp.hour in of_day]


def read_range(start: str | None, end: str | None) -> list[Hour]:
    """Read a range of hours; none where none is given.

    Raises:
        UsageError: There is an end without a start, or one of them cannot be read.
    """
    if start:
        return hour_range(parse_bound(start, end=False), parse_bound(end or start, end=True))
    if end:
        raise UsageError("--end without --start", "give both, or --last for the newest hours")
    return []


def _refuse(result: BatchResult, wanted: int) -> None:
    """End with the exit code that fits what came of a batch.

    Raises:
        IncompleteError: Hours failed.
        NotPublishedError: Not one hour is published.
    """
    if failed := result.counts[HourState.FAILED]:
        raise HoursFailedError(f"{failed:,} of {wanted:,} hours failed", "the next run takes them up again")
    if wanted and result.counts[HourState.NOT_PUBLISHED] == wanted:
        raise NotPublishedError("none of the hours is published", "leave out the range for the newest hours")


def _action(action: Action) -> dict[str, str]:
    return {"hour": action.hour.iso, "action": action.kind, "reason": action.reason}


def _plan_lines(actions: Sequence[Action]) -> Iterator[str]:
    for action in actions:
        yield f"{action.hour.iso}  {LABELS[action.kind]}: {action.reason}"
    kinds = Counter(LABELS[action.kind] for action in actions)
    yield f"{len(actions):,} hours: " + ", ".join(f"{count:,} {label}" for label, count in sorted(kinds.items()))


def _data(result: BatchResult) -> dict[str, Any]:
    return {
        "counts": dict(sorted(result.counts.items())),
        "failures": [{"hour": failed.hour.iso, "error": str(failed.error)} for failed in result.failures],
        "not_published": [hour.iso for hour in result.not_published],
    }


def _lines(result: BatchResult) -> Iterator[str]:
    for failed in result.failures:
        yield f"{failed.hour.iso}  failed: {failed.error}"
    for hour in result.not_published:
        yield f"{hour.iso}  not published"
    counts = [f"{count:,} {state.label}" for state, count in sorted(result.counts.items()) if count]
    yield f"{result.counts.total():,} hours: {', '.join(counts)}"
