"""Bars for the hours of a run: in a notebook, or on the terminal that stderr is."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING

from pvtop.core.hour import Hour

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.status import Status

    from pvtop.pipeline.plan import Action
    from pvtop.pipeline.results import HourOutcome

log = logging.getLogger(__name__)

PROGRESS_BAR_WIDTH = 40
MIN_PROGRESS_BAR_WIDTH = 8  # columns; a shorter bar says nothing
NAME_WIDTH = 13  # columns of an hour
BESIDE_PROGRESS_BAR = 62  # columns for a spinner, an hour and what is done for it
WIDE = 64  # columns of a terminal that has room for the pace


@contextlib.contextmanager
def bars_where_seen() -> Iterator[Bars | None]:
    """Show bars in a notebook and on a terminal. Yield an observer of a batch, or None if nobody would see bars."""
    console = stderr_console()
    if not _is_seen(console):
        yield None
        return
    with open_bars(console) as drawing:
        yield Bars(drawing)


def _is_seen(console: Console) -> bool:
    """Return whether somebody sees what Rich draws. In a notebook, Rich draws with ipywidgets."""
    if not console.is_jupyter:
        return sys.stderr is not None and sys.stderr.isatty()
    if find_spec("ipywidgets"):
        return True
    log.warning("no progress is shown: install ipywidgets for that")
    return False


def stderr_console() -> Console:
    """Return the console that stderr is. If it breaks, nothing more is drawn, where Rich would end the program."""
    from rich.console import Console

    class Steady(Console):
        def on_broken_pipe(self) -> None:
            self.quiet = True

    return Steady(stderr=True)


@contextlib.contextmanager
def drawn(shown: Progress | Status) -> Iterator[None]:
    """Draw something while the context is open. Do not fail if it cannot be drawn."""
    with contextlib.suppress(Exception):
        shown.start()
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            shown.stop()


@contextlib.contextmanager
def open_bars(console: Console) -> Iterator[Drawing]:
    """Draw bars on a console: short ones if it is narrow, and none if they would be too short."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
    from rich.table import Column

    width = min(PROGRESS_BAR_WIDTH, console.width - BESIDE_PROGRESS_BAR)
    name = TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=NAME_WIDTH))
    detail = TextColumn("{task.fields[detail]}", table_column=Column(no_wrap=True, overflow="ellipsis"))
    columns = [SpinnerColumn(), name, *([BarColumn(width)] if width >= MIN_PROGRESS_BAR_WIDTH else []), detail]
    bars = Progress(*columns, console=console, transient=True)
    with drawn(bars):
        yield Drawing(bars)


class Drawing:
    """The bars that are drawn. A bar that cannot be drawn must not fail the hour that it is about."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self.is_wide = bars.console.width >= WIDE

    def add(self, name: str, detail: str, total: int | None = None) -> TaskID | None:
        """Add a bar. Return None if it cannot be drawn."""
        with contextlib.suppress(Exception):
            return self._bars.add_task(name, detail=detail, total=total)
        return None

    def update(self, task: TaskID | None, detail: str, done: int = 0, total: int | None = None) -> None:
        """Change a bar."""
        if task is not None:
            with contextlib.suppress(Exception):
                self._bars.update(task, completed=done, total=total, detail=detail)

    def remove(self, task: TaskID | None) -> None:
        """Remove a bar."""
        if task is not None:
            with contextlib.suppress(Exception):
                self._bars.remove_task(task)


class Rows:
    """A row with a bar for each hour in progress."""

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._tasks: dict[Hour, TaskID | None] = {}
        self._started: dict[Hour, float] = {}

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Show how much of an hour is downloaded and how fast. After the last byte, the dump is verified."""
        if done == total:
            self.show(hour, "verifying")
            return
        seconds = monotonic() - self._started.setdefault(hour, monotonic())
        of_total = "" if total is None else f" of {total / 10**6:.0f}"
        pace = f", {done / 10**6 / seconds:.1f} MB/s" if seconds and self._drawing.is_wide else ""
        self.show(hour, f"downloading, {done / 10**6:.0f}{of_total} MB{pace}", done, total)

    def show(self, hour: Hour, detail: str, done: int = 0, total: int | None = None) -> None:
        """Show what is done for an hour."""
        if hour not in self._tasks:
            self._tasks[hour] = self._drawing.add(hour.iso, detail)
        self._drawing.update(self._tasks[hour], detail, done, total)

    def remove(self, hour: Hour) -> None:
        """Remove the row of an hour, if it has one."""
        self._drawing.remove(self._tasks.pop(hour, None))


class Tally:
    """Show a bar for a whole run: how much is done, how fast, and the time left.

    Args:
        drawing: Where the bar is.
        name: What the run is about.
    """

    def __init__(self, drawing: Drawing, name: str) -> None:
        self._drawing = drawing
        self._all = drawing.add(name, "planning")
        self._wanted = self._ended = 0
        self._started = monotonic()

    def begin(self, wanted: int) -> None:
        """Show how much is to be done."""
        self._wanted = wanted
        self._drawing.update(self._all, f"0 of {wanted:,}", 0, wanted)
        self._started = monotonic()

    def count(self) -> None:
        """Count one that is done."""
        self._ended += 1
        self._drawing.update(self._all, self._pace(), self._ended, self._wanted)

    def _pace(self) -> str:
        """Return how many are done, how many a minute, and the time left."""
        taken = monotonic() - self._started
        left = timedelta(seconds=round((self._wanted - self._ended) * taken / self._ended))
        pace = f", {60 * self._ended / taken:,.1f} a minute" if self._drawing.is_wide else ""
        return f"{self._ended:,} of {self._wanted:,}{pace}, {left} left"


class Bars:
    """Show a bar for the batch, and below it one for each hour in progress. An observer of a batch."""

    def __init__(self, drawing: Drawing) -> None:
        self._tally = Tally(drawing, "hours")
        self._rows = Rows(drawing)
        self._to_do: set[Hour] = set()

    def planned(self, actions: Sequence[Action]) -> None:
        """Show how many hours need work."""
        self._to_do = {action.hour for action in actions if action.state is None}
        self._tally.begin(len(self._to_do))

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Show how much of an hour is downloaded."""
        self._rows.downloading(hour, done, total)

    def computing(self, hour: Hour) -> None:
        """Show that an hour is being computed."""
        self._rows.show(hour, "computing")

    def finished(self, outcome: HourOutcome) -> None:
        """Count an hour."""
        self._rows.remove(outcome.hour)
        if outcome.hour in self._to_do:
            self._tally.count()
