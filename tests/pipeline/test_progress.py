"""The bars of `run_hours`, in the programs of others."""

from __future__ import annotations

import builtins
import contextlib
import io
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from pvtop.core.states import HourState
from pvtop.pipeline.batch import run_hours
from pvtop.pipeline.progress import bars_where_seen
from pvtop.settings import Settings
from support.samples import DAY, SOURCE
from support.terminal import run_on_terminal

PROGRAM = """
import sys
import pvtop

if __name__ == "__main__":
    settings = pvtop.Settings.load(source=sys.argv[1], blacklist="none", output="lake", force=True)
    pvtop.run_hours(sys.argv[3:], settings, progress=bool(int(sys.argv[2])))
"""
HOURS = [hour.iso for hour in DAY[:2]]


def program(progress: int) -> list[str]:
    """Return a command that makes two hours."""
    return [sys.executable, "-c", PROGRAM, str(SOURCE), str(progress), *HOURS]


def test_bars_are_shown_on_a_terminal_unless_turned_off() -> None:
    seen = run_on_terminal(program(progress=1))
    assert seen.returncode == 0
    assert all(text in seen.text for text in ("━", "planning", "of 2", f"{HOURS[0]} "))
    assert run_on_terminal(program(progress=0)).raw == ""


def test_nothing_is_shown_elsewhere() -> None:
    done = subprocess.run(program(progress=1), capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_observer_takes_the_place_of_the_bars(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    class Observer:
        """Counts the plans that it receives."""

        plans = 0

        def planned(self, _: object) -> None:
            """Count a plan."""
            self.plans += 1

        def downloading(self, *_: object) -> None:
            """Ignore the bytes."""

        def computing(self, _: object) -> None:
            """Ignore the hour."""

        def finished(self, _: object) -> None:
            """Ignore the outcome."""

    observer = Observer()
    run_hours([DAY[0]], settings.model_copy(update={"source": str(SOURCE)}), observer)
    assert observer.plans == 1
    assert capsys.readouterr().err == ""


class Terminal(io.TextIOWrapper):
    """A stderr that is a terminal, and breaks while bars are drawn."""

    def isatty(self) -> bool:
        """Return that it is one: a pipe is none."""
        return True


@contextlib.contextmanager
def stderr(ends: tuple[int, int]) -> Iterator[None]:
    """Let stderr be a terminal that nobody reads any more, by its two ends. Pytest sets stderr before each test."""
    os.close(ends[0])
    with os.fdopen(ends[1], "wb", buffering=0) as file, pytest.MonkeyPatch.context() as patch:
        terminal = Terminal(file, write_through=True)
        patch.setattr(sys, "stderr", terminal)
        patch.setenv("TERM", "xterm-256color")
        yield
        terminal.detach()


# Rich also draws in a thread of its own, which ends if it fails.
IN_ITS_THREAD = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@IN_ITS_THREAD
@pytest.mark.parametrize("open_ends", [pty.openpty, os.pipe], ids=["closed terminal", "broken pipe"])
def test_bars_that_cannot_be_drawn_do_not_fail_hours(
    settings: Settings, open_ends: Callable[[], tuple[int, int]]
) -> None:
    with stderr(open_ends()):
        result = run_hours(HOURS, settings.model_copy(update={"source": str(SOURCE)}))
    assert (result.failures, dict(result.counts)) == ([], {HourState.MADE: 2})


@IN_ITS_THREAD
def test_bars_that_rich_fails_to_render_do_not_fail_hours(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr("rich.progress.BarColumn.render", fail)
    monkeypatch.setattr(sys, "stderr", Terminal(io.BytesIO()))
    result = run_hours(HOURS, settings.model_copy(update={"source": str(SOURCE)}))
    assert (result.failures, dict(result.counts)) == ([], {HourState.MADE: 2})


def test_notebook_without_ipywidgets_is_told_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Rich draws in a notebook with ipywidgets, and would warn at each step."""

    class ZMQInteractiveShell:
        """What Rich takes a notebook by."""

    monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with caplog.at_level(logging.WARNING), bars_where_seen() as bars:
        assert bars is None
    assert caplog.messages == ["no progress is shown: install ipywidgets for that"]
