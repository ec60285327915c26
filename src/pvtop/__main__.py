"""The program: `pvtop` and `python -m pvtop`. Handles signals before it imports anything else."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing takes time
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED, HUNG_UP = 130, 129  # exit codes
GRACE = 5  # seconds that a run has to end after a signal


def main() -> NoReturn:
    """Run the command line, then end the process. Signals end it with exit code 130 (SIGHUP: 129)."""
    _handle_signals(_end_now)
    from pvtop.cli import main as run

    interrupts: list[int] = []
    _handle_signals(lambda number, _: _interrupt(_exit_code(number), interrupts))
    code = 0
    with contextlib.suppress(KeyboardInterrupt):  # before the command has begun, or after its end
        try:
            run()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    os._exit(next(iter(interrupts), code))  # Python would wait for its threads, and after a failure one may never end


def _handle_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """Set a handler for each signal, unless it is ignored, as by nohup."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _exit_code(number: int) -> int:
    return HUNG_UP if number == signal.SIGHUP else INTERRUPTED


def _end_now(number: int, _: FrameType | None) -> None:
    """End the program. Nothing has begun yet."""
    os._exit(_exit_code(number))


def _interrupt(code: int, interrupts: list[int]) -> None:
    """Interrupt the run once, so that it cleans up. End the program if that takes too long."""
    if interrupts:
        return
    interrupts.append(code)
    _end_within_grace(code)
    if "asyncio" in sys.modules:
        from asyncio import get_running_loop

        with contextlib.suppress(RuntimeError):  # no loop is running
            # In the midst of a callback, somebody might catch it.
            get_running_loop().call_soon_threadsafe(_raise_interrupt, code)
            return
    _raise_interrupt(code)


def _raise_interrupt(code: int) -> None:
    raise KeyboardInterrupt(code)


def _end_within_grace(code: int) -> None:
    """End the program in some seconds: a thread may wait for ever, and Python waits for its threads."""
    signal.signal(signal.SIGALRM, lambda *_: os._exit(code))
    signal.alarm(GRACE)


if __name__ == "__main__":
    main()
