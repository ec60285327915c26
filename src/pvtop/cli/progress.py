"""What a batch shows while it runs: bars on a terminal, a line for each hour elsewhere."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pvtop.cli.output import Output
from pvtop.plan import Action, Step

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pvtop.batch import Outcome, Watch
    from pvtop.hours import Hour

log = logging.getLogger("pvtop.batch")


@contextlib.contextmanager
def watching(out: Output, hours: int) -> Iterator[Watch]:
    """Watch a batch in the way that suits where the output goes."""
    if not out.on_terminal:
        yield _Log()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[detail]}"), console=Console(stderr=True), transient=True) as bars:
        yield _Bars(bars, hours)


class _Log:
    """A line for each hour."""

    def planned(self, actions: Sequence[Action]) -> None:
        """Tell how much there is to do."""
        to_make = sum(action.step in {Step.MAKE, Step.AGAIN} for action in actions)
        log.info("%s of %s hours to make", f"{to_make:,}", f"{len(actions):,}")

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Tell nothing."""

    def finished(self, outcome: Outcome) -> None:
        """Tell what became of an hour."""
        level = logging.ERROR if outcome.status == "failed" else logging.INFO
        log.log(level, "%s", _line(outcome), extra={"fields": _fields(outcome)})


class _Bars(_Log):
    """One bar for the whole, and one for each download; hours that went wrong are told above."""

    def __init__(self, bars: Progress, hours: int) -> None:
        self._bars = bars
        self._all = bars.add_task("hours", total=hours, detail="")
        self._downloads: dict[Hour, TaskID] = {}

    def planned(self, actions: Sequence[Action]) -> None:
        """Count what is done already."""
        self._bars.advance(self._all, sum(action.step is Step.DONE for action in actions))

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Draw how far a download is, in megabytes."""
        if hour not in self._downloads:
            self._downloads[hour] = self._bars.add_task(hour.iso, detail="MB")
        megabytes = None if total is None else total // 10**6
        self._bars.update(self._downloads[hour], completed=done // 10**6, total=megabytes)

    def finished(self, outcome: Outcome) -> None:
        """Count an hour, and tell of one that went wrong."""
        if (task := self._downloads.pop(outcome.hour, None)) is not None:
            self._bars.remove_task(task)
        self._bars.advance(self._all)
        if outcome.status == "failed":
            super().finished(outcome)


def _line(outcome: Outcome) -> str:
    if outcome.result is None:
        return f"{outcome.hour.iso} {outcome.status}" + (f": {outcome.error}" if outcome.status == "failed" else "")
    facts, seconds = outcome.result.provenance, outcome.result.seconds
    took = f"{seconds.obtaining:.1f} s to obtain, {seconds.computing:.1f} s to compute"
    return f"{outcome.hour.iso} {outcome.status}: {facts.domains:,} domains, {facts.entries:,} entries; {took}"


def _fields(outcome: Outcome) -> dict[str, object]:
    """Give what a log in JSON tells beside the line."""
    fields: dict[str, object] = {"hour": outcome.hour.iso, "status": outcome.status}
    if outcome.error:
        fields["error"] = str(outcome.error)
    if outcome.result:
        facts, seconds = outcome.result.provenance, outcome.result.seconds
        fields |= {"rows": facts.rows, "malformed": facts.malformed, "entries": facts.entries}
        fields |= {"obtaining_seconds": round(seconds.obtaining, 3), "computing_seconds": round(seconds.computing, 3)}
    return fields
