"""The program: `pvtop` and `python -m pvtop`. Handles signals before it imports anything else."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing takes time
    from collections.abc import Callable
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 5  # seconds that a run has to end after a signal


def main() -> None:
    """Run the command line. Signals end it with exit code 130 (SIGHUP: 129)."""
    _handle_signals(_end_now)
    from pvtop.cli import main as run

    _handle_signals(_interrupt)
    try:
        run()
    except SystemExit as ended:
        if isinstance(ended.code, int) and ended.code:
            os._exit(ended.code)  # after a failure, a thread may never end, and neither would Python
        raise


def _handle_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """Set a handler for each signal, unless it is ignored, as by nohup."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _exit_code(number: int) -> int:
    return 129 if number == signal.SIGHUP else 130


def _end_now(number: int, _: FrameType | None) -> None:
    """End the program. Nothing has begun yet."""
    os._exit(_exit_code(number))


def _interrupt(number: int, _: FrameType | None) -> None:
    """Interrupt the run, so that it cleans up. End the program if that takes too long."""
    code = _exit_code(number)
    _end_within_grace(code)
    raise KeyboardInterrupt(code)


def _end_within_grace(code: int) -> None:
    """End the program in some seconds: a thread may wait for ever, and Python waits for its threads."""
    signal.signal(signal.SIGALRM, lambda *_: os._exit(code))
    signal.alarm(GRACE)


if __name__ == "__main__":
    main()
