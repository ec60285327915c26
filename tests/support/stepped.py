"""Runs the command with a clock that is set by as many seconds as a file `clock` says, from when the file is there.

A program of its own, as Python's clock has to be another before anything is imported: `stepped.py report ...`.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path

CLOCK = Path("clock")
REAL = time.time


def now() -> float:
    """Tell the time of day, as it is set."""
    return REAL() + (float(CLOCK.read_text()) if CLOCK.exists() else 0)


class Stepped(dt.datetime):
    """A datetime whose `now` goes by the clock as it is set."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Stepped:
        """Tell the time of day, as it is set."""
        return cls.fromtimestamp(now(), tz)


if __name__ == "__main__":
    time.time = now
    dt.datetime = Stepped  # type: ignore[misc]
    from pvtop.cli import main

    sys.argv[0] = "pvtop"
    main()
