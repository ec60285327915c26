"""Progress: bars on a terminal for an hour or a batch, or a line of the log for each hour; a spinner for a wait."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pvtop.cli.output import HourOrDay, Output, number_of_hours, run
from pvtop.core.counted import counted
from pvtop.core.hour import Hour, runs_of
from pvtop.core.states import HourState
from pvtop.pipeline.progress import Bars, Rows, Tally, drawn, open_bars, stderr_console

if TYPE_CHECKING:
    from pvtop.mart.load import LoadOutcome
    from pvtop.mart.parts import Part
    from pvtop.pipeline.day_plan import DayAction
    from pvtop.pipeline.days import DayObserver
    from pvtop.pipeline.plan import Action
    from pvtop.pipeline.results import DayOutcome, HourOutcome

log = logging.getLogger("pvtop.pipeline.batch")

LABELS = {"make": "to make", "verify": "to verify", "none": "up to date"}


class HourObserver(NamedTuple):
    """What receives the progress of one hour. `downloading` is None if nobody wants the bytes."""

    downloading: Callable[[int, int | None], None] | None = None
    computing: Callable[[], None] = lambda: None


@contextlib.contextmanager
def waiting(out: Output, what: str) -> Iterator[None]:
    """Show a spinner beside a text, if stderr is a terminal."""
    if not out.on_terminal:
        yield
        return
    with drawn(stderr_console().status(what)):
        yield


@contextlib.contextmanager
def watching_hour(out: Output, hour: Hour) -> Iterator[HourObserver]:
    """Show what is done for an hour, and a bar while its dump downloads, if stderr is a terminal."""
    if not out.on_terminal:
        yield HourObserver()
        return
    with open_bars(stderr_console()) as bars:
        rows = Rows(bars)
        rows.show(hour, "starting")
        yield HourObserver(partial(rows.downloading, hour), partial(rows.show, hour, "computing"))


@contextlib.contextmanager
def watching(out: Output) -> Iterator[Watch]:
    """Show the progress of a batch: as bars if stderr is a terminal, else in the log."""
    if not out.on_terminal:
        yield Watch()
        return
    with open_bars(stderr_console()) as bars:
        yield _WatchWithBars(Bars(bars))


@contextlib.contextmanager
def watching_days(out: Output) -> Iterator[DayObserver]:
    """Show the hours in progress as bars if stderr is a terminal. Log a line for each day."""
    from pvtop.pipeline.days import DayObserver

    if not out.on_terminal:
        yield DayObserver(planned=_log_unpublished_days, finished=_log_day)
        return
    with open_bars(stderr_console()) as bars:
        rows = Rows(bars)
        yield DayObserver(
            planned=_log_unpublished_days,
            downloading=rows.downloading,
            downloaded=rows.remove,
            computing=lambda hour: rows.show(hour, "reading"),
            spooled=rows.remove,
            finished=partial(_end_day, rows),
        )


@contextlib.contextmanager
def watching_load(out: Output) -> Iterator[LoadWatch]:
    """Show the progress of a load: as a bar if stderr is a terminal, and as a line of the log for each hour."""
    if not out.on_terminal:
        yield LoadWatch()
        return
    with open_bars(stderr_console()) as bars:
        yield LoadWatch(Tally(bars, "loads"))


class LoadWatch:
    """Log a line for each hour or rollup that is loaded. An observer of a load.

    Args:
        tally: Counts them in a bar. None if nobody would see it.
    """

    def __init__(self, tally: Tally | None = None) -> None:
        self._tally = tally
        self._wanted = self._loaded = 0

    @property
    def progress(self) -> str:
        """How far the load is: `3 of 24 loaded`."""
        return f"{self._loaded:,} of {self._wanted:,} loaded" if self._wanted else "nothing was loaded"

    def planned(self, parts: Sequence[Part], unchanged: int) -> None:
        """Log how many hours and rollups are loaded."""
        self._wanted = len(parts)
        known = f", {unchanged:,} in the mart already" if unchanged else ""
        log.info("%s to load%s", f"{len(parts):,}", known)
        if self._tally:
            self._tally.begin(len(parts))

    def finished(self, outcome: LoadOutcome) -> None:
        """Log how the load of an hour or a rollup ended."""
        self._loaded += not outcome.error
        if self._tally:
            self._tally.count()
        level = logging.ERROR if outcome.state == "failed" else logging.INFO
        what = f": {outcome.error}" if outcome.error else f": {counted(outcome.rows, 'row')}"
        fields = {"part": outcome.part.label, "state": outcome.state, "rows": outcome.rows}
        log.log(level, "%s %s%s", outcome.part.label, outcome.state, what, extra={"fields": fields})


def _end_day(rows: Rows, outcome: DayOutcome) -> None:
    """Remove the rows of a day that has failed, and log how it ended."""
    for hour in outcome.day.hours:
        rows.remove(hour)
    _log_day(outcome)


def log_days(outcomes: Sequence[DayOutcome]) -> None:
    """Log how days ended: a line for each, and one for each run of consecutive days that are not published."""
    _log_unpublished_days([outcome for outcome in outcomes if not outcome.error])
    for outcome in outcomes:
        _log_day(outcome)


def _log_unpublished_days(days: Sequence[DayAction | DayOutcome]) -> None:
    _log_unpublished("day", [one.day for one in days if one.state is HourState.NOT_PUBLISHED])


def _log_day(outcome: DayOutcome) -> None:
    """Log how a day ended, unless its plan has said that it is not published."""
    if outcome.state is HourState.NOT_PUBLISHED and not outcome.error:
        return
    level = logging.ERROR if outcome.state is HourState.FAILED else logging.INFO
    fields = {"day": outcome.day.iso, "state": outcome.state}
    text = "%s %s: %s" if outcome.state is HourState.FAILED else "%s %s; reason: %s"
    log.log(level, text, outcome.day, outcome.state.label, outcome.reason, extra={"fields": fields})


class Watch:
    """Log a line for each hour. An observer of a batch."""

    def __init__(self) -> None:
        self._to_do: set[Hour] = set()
        self._made = 0

    @property
    def progress(self) -> str:
        """How far the batch is: `3 of 24 hours made`."""
        if not self._to_do:  # not yet planned
            return "nothing was made"
        return f"{self._made:,} of {number_of_hours(len(self._to_do))} made"

    def planned(self, actions: Sequence[Action]) -> None:
        """Log how many hours the plan will make, verify and skip."""
        self._to_do = {action.hour for action in actions if action.state is None}
        log.info("%s", summary(actions))
        for action in actions:
            if action.state is not None:
                log.debug("%s: planned as %s: %s", action.hour, action.kind, action.reason)
        _log_unpublished("hour", [action.hour for action in actions if action.state is HourState.NOT_PUBLISHED])

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Log nothing."""

    def computing(self, hour: Hour) -> None:
        """Log nothing."""

    def finished(self, outcome: HourOutcome) -> None:
        """Log the result of an hour, unless its plan has said that it is not published."""
        self._made += outcome.state is HourState.MADE
        if outcome.state is HourState.NOT_PUBLISHED and outcome.hour not in self._to_do:
            return
        level = logging.ERROR if outcome.state is HourState.FAILED else logging.INFO
        log.log(level, "%s", _line(outcome), extra={"fields": _fields(outcome)})


class _WatchWithBars(Watch):
    """Show bars, too. The results of hours are logged above them."""

    def __init__(self, bars: Bars) -> None:
        super().__init__()
        self._bars = bars

    def planned(self, actions: Sequence[Action]) -> None:
        """Log the plan, and show how many hours need work."""
        super().planned(actions)
        self._bars.planned(actions)

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Show how much of an hour is downloaded."""
        self._bars.downloading(hour, done, total)

    def computing(self, hour: Hour) -> None:
        """Show that an hour is being computed."""
        self._bars.computing(hour)

    def finished(self, outcome: HourOutcome) -> None:
        """Count an hour, and log it."""
        self._bars.finished(outcome)
        super().finished(outcome)


def _log_unpublished(noun: str, times: Sequence[HourOrDay]) -> None:
    for first, last in runs_of(times):
        fields = {noun: first.iso, f"last_{noun}": last.iso, "state": HourState.NOT_PUBLISHED}
        log.info("%s", run(first, last, HourState.NOT_PUBLISHED.label), extra={"fields": fields})


def label_and_reason(action: Action | DayAction) -> tuple[str, str]:
    """Return an action as words, and its reason, which is empty if the words say it already."""
    label = _label(action)
    return label, "" if label == action.reason else action.reason


def summary(actions: Sequence[Action]) -> str:
    """Return the totals of a plan: `24 hours: 3 to make, 1 to verify, 20 up to date; 171 MB to download`."""
    labels = Counter(map(_label, actions))
    counts = ", ".join(f"{count:,} {label}" for label, count in sorted(labels.items()))
    return "; ".join(filter(None, [f"{number_of_hours(len(actions))}: {counts}", _to_download(actions)]))


def _label(action: Action | DayAction) -> str:
    """Return the kind of an action as words. What is not published, or cannot be made, is not done."""
    if action.state is HourState.FAILED:
        return "cannot be made"
    if action.state is None or action.reason == LABELS[action.kind]:
        return LABELS[action.kind]
    return action.state.label


def _to_download(actions: Sequence[Action]) -> str:
    """Return how much a plan downloads, or nothing if it downloads nothing."""
    sizes = [action.download_bytes for action in actions]
    known, unknown = sum(size for size in sizes if size), sizes.count(None)
    size = f"{known / 10**6:,.0f} MB" if known >= 10**7 else f"{known:,} bytes"
    parts = [size] if known else []
    parts += [f"{counted(unknown, 'dump')} of unknown size"] if unknown else []
    return f"{' and '.join(parts)} to download" if parts else ""


def _line(outcome: HourOutcome) -> str:
    if outcome.result is None:
        return f"{outcome.hour.iso} {outcome.state.label}" + (
            f": {outcome.error}" if outcome.state is HourState.FAILED else ""
        )
    facts, seconds = outcome.result.provenance, outcome.result.seconds
    entries = counted(facts.entries, "entry", "entries")
    line = f"{outcome.hour.iso} {outcome.state.label}: {counted(facts.domains, 'domain')}, {entries}"
    if outcome.state is HourState.UNCHANGED:
        return line
    return f"{line}; {seconds.download:.1f} s to download, {seconds.compute:.1f} s to compute"


def _fields(outcome: HourOutcome) -> dict[str, object]:
    """Return the fields of a JSON log besides the message."""
    fields: dict[str, object] = {"hour": outcome.hour.iso, "state": outcome.state}
    if outcome.error:
        fields["error"] = str(outcome.error)
    if outcome.result:
        facts, seconds = outcome.result.provenance, outcome.result.seconds
        fields |= {"rows": facts.rows, "malformed": facts.malformed, "entries": facts.entries}
        fields |= {"download_seconds": round(seconds.download, 3), "compute_seconds": round(seconds.compute, 3)}
    return fields
