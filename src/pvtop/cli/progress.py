"""Progress: a bar for a download, and bars or a line for each hour of a batch."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from pvtop.cli.output import Output, number_of_hours
from pvtop.core.states import HourState

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pvtop.core.hour import Hour
    from pvtop.pipeline.plan import Action
    from pvtop.pipeline.results import HourOutcome

log = logging.getLogger("pvtop.pipeline.batch")

LABELS = {"make": "to make", "verify": "to verify", "none": "nothing to do"}


@contextlib.contextmanager
def downloading(out: Output, name: str) -> Iterator[Callable[[int, int | None], None] | None]:
    """Show a bar while a file downloads, if stderr is a terminal.

    Yield a callback that takes the bytes received and the total.
    """
    if not out.on_terminal:
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(name, total=None, visible=False)
        yield lambda done, total: bars.update(task, completed=done, total=total, visible=True)


@contextlib.contextmanager
def watching(out: Output) -> Iterator[Watch]:
    """Show the progress of a batch: as bars if stderr is a terminal, else in the log."""
    if not out.on_terminal:
        yield Watch()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[detail]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bars(bars)


class Watch:
    """Log a line for each hour. An observer of a batch."""

    def __init__(self) -> None:
        self._made = self._planned = 0

    @property
    def progress(self) -> str:
        """How far the batch is: `3 of 24 hours made`."""
        return f"{self._made:,} of {number_of_hours(self._planned)} made"

    def planned(self, actions: Sequence[Action]) -> None:
        """Log how many hours the plan will make, verify and skip."""
        self._planned = sum(action.state is None for action in actions)
        log.info("%s", summary(actions))

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Log nothing."""

    def computing(self, hour: Hour) -> None:
        """Log nothing."""

    def finished(self, outcome: HourOutcome) -> None:
        """Log the result of an hour."""
        self._made += outcome.state is HourState.MADE
        level = logging.ERROR if outcome.state is HourState.FAILED else logging.INFO
        log.log(level, "%s", _line(outcome), extra={"fields": _fields(outcome)})


class _Bars(Watch):
    """Show a bar for the batch, and below it one for each hour in progress. Failed hours are logged above."""

    def __init__(self, bars: Progress) -> None:
        super().__init__()
        self._bars = bars
        self._all = bars.add_task("hours", total=None, detail="planning")
        self._under_way: dict[Hour, TaskID] = {}
        self._to_do: set[Hour] = set()
        self._ended = 0
        self._started = monotonic()

    def planned(self, actions: Sequence[Action]) -> None:
        """Show how many hours need work."""
        self._to_do = {action.hour for action in actions if action.state is None}
        self._planned = len(self._to_do)
        self._bars.update(self._all, total=len(self._to_do), detail=f"0 of {len(self._to_do):,}")
        self._started = monotonic()

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Show how much of an hour is downloaded."""
        of_total = "" if total is None else f" of {total / 10**6:.0f}"
        self._show(hour, done, total, f"downloading, {done / 10**6:.0f}{of_total} MB")

    def computing(self, hour: Hour) -> None:
        """Show that an hour is being computed."""
        self._show(hour, 0, None, "computing")

    def finished(self, outcome: HourOutcome) -> None:
        """Count an hour, and log it if it failed."""
        self._made += outcome.state is HourState.MADE
        if (task := self._under_way.pop(outcome.hour, None)) is not None:
            self._bars.remove_task(task)
        if outcome.hour in self._to_do:
            self._ended += 1
            self._bars.update(self._all, completed=self._ended, detail=self._pace())
        if outcome.state is HourState.FAILED:
            super().finished(outcome)

    def _show(self, hour: Hour, done: int, total: int | None, detail: str) -> None:
        if hour not in self._under_way:
            self._under_way[hour] = self._bars.add_task(hour.iso, detail=detail)
        self._bars.update(self._under_way[hour], completed=done, total=total, detail=detail)

    def _pace(self) -> str:
        """Return how many hours have ended, how many a minute, and the time left."""
        ended, wanted = self._ended, len(self._to_do)
        taken = monotonic() - self._started
        left = timedelta(seconds=round((wanted - ended) * taken / ended))
        return f"{ended:,} of {wanted:,}, {60 * ended / taken:,.1f} a minute, {left} left"


def label(action: Action) -> str:
    """Return what a plan says of an hour: `to make`, `to verify`, `nothing to do` or `cannot be made`."""
    return "cannot be made" if action.state is HourState.FAILED else LABELS[action.kind]


def summary(actions: Sequence[Action]) -> str:
    """Return the totals of a plan: `24 hours: 20 nothing to do, 3 to make, 1 to verify`."""
    labels = Counter(map(label, actions))
    counts = ", ".join(f"{count:,} {label}" for label, count in sorted(labels.items()))
    return f"{number_of_hours(len(actions))}: {counts}"


def _line(outcome: HourOutcome) -> str:
    if outcome.result is None:
        return f"{outcome.hour.iso} {outcome.state.label}" + (
            f": {outcome.error}" if outcome.state is HourState.FAILED else ""
        )
    facts, seconds = outcome.result.provenance, outcome.result.seconds
    line = f"{outcome.hour.iso} {outcome.state.label}: {facts.domains:,} domains, {facts.entries:,} entries"
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
