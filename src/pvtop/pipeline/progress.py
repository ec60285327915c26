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
    from rich.console import Console

    console = Console(stderr=True)
    if not _is_seen(console):
        yield None
        return
    with open_bars(console) as bars:
        yield Bars(bars)


def _is_seen(console: Console) -> bool:
    """Return whether somebody sees what Rich draws. In a notebook, Rich draws with ipywidgets."""
    if not console.is_jupyter:
        return sys.stderr is not None and sys.stderr.isatty()
    if find_spec("ipywidgets"):
        return True
    log.warning("no progress is shown: install ipywidgets for that")
    return False


def open_bars(console: Console) -> Progress:
    """Return bars for a console: short ones if it is narrow, and none if they would be too short."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
    from rich.table import Column

    width = min(PROGRESS_BAR_WIDTH, console.width - BESIDE_PROGRESS_BAR)
    name = TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=NAME_WIDTH))
    detail = TextColumn("{task.fields[detail]}", table_column=Column(no_wrap=True, overflow="ellipsis"))
    columns = [SpinnerColumn(), name, *([BarColumn(width)] if width >= MIN_PROGRESS_BAR_WIDTH else []), detail]
    return Progress(*columns, console=console, transient=True)


class Rows:
    """A row with a bar for each hour in progress."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[Hour, TaskID] = {}
        self._started: dict[Hour, float] = {}
        self._wide = bars.console.width >= WIDE

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Show how much of an hour is downloaded and how fast. After the last byte, the dump is verified."""
        if done == total:
            self.show(hour, "verifying")
            return
        seconds = monotonic() - self._started.setdefault(hour, monotonic())
        of_total = "" if total is None else f" of {total / 10**6:.0f}"
        pace = f", {done / 10**6 / seconds:.1f} MB/s" if seconds and self._wide else ""
        self.show(hour, f"downloading, {done / 10**6:.0f}{of_total} MB{pace}", done, total)

    def show(self, hour: Hour, detail: str, done: int = 0, total: int | None = None) -> None:
        """Show what is done for an hour."""
        if hour not in self._tasks:
            self._tasks[hour] = self._bars.add_task(hour.iso, detail=detail)
        self._bars.update(self._tasks[hour], completed=done, total=total, detail=detail)

    def remove(self, hour: Hour) -> None:
        """Remove the row of an hour, if it has one."""
        if (task := self._tasks.pop(hour, None)) is not None:
            self._bars.remove_task(task)


class Bars:
    """Show a bar for the batch, and below it one for each hour in progress. An observer of a batch."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._all = bars.add_task("hours", total=None, detail="planning")
        self._rows = Rows(bars)
        self._to_do: set[Hour] = set()
        self._ended = 0
        self._started = monotonic()

    def planned(self, actions: Sequence[Action]) -> None:
        """Show how many hours need work."""
        self._to_do = {action.hour for action in actions if action.state is None}
        self._bars.update(self._all, total=len(self._to_do), detail=f"0 of {len(self._to_do):,}")
        self._started = monotonic()

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
            self._ended += 1
            self._bars.update(self._all, completed=self._ended, detail=self._pace())

    def _pace(self) -> str:
        """Return how many hours have ended, how many a minute, and the time left."""
        ended, wanted = self._ended, len(self._to_do)
        taken = monotonic() - self._started
        left = timedelta(seconds=round((wanted - ended) * taken / ended))
        pace = f", {60 * ended / taken:,.1f} a minute" if self._bars.console.width >= WIDE else ""
        return f"{ended:,} of {wanted:,}{pace}, {left} left"
