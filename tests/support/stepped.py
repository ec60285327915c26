"""Runs the command with a clock that a file `clock` sets forward or back: it contains the seconds.

A separate program, as Python's clock must be replaced before any import: `stepped.py report ...`.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path

CLOCK = Path("clock")
REAL = time.time


def now() -> float:
    """Return the time of day of the clock that was set."""
    return REAL() + (float(CLOCK.read_text()) if CLOCK.exists() else 0)


class Stepped(dt.datetime):
    """A datetime whose `now` follows the clock that was set."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Stepped:
        """Return the time of day of the clock that was set."""
        return cls.fromtimestamp(now(), tz)


if __name__ == "__main__":
    time.time = now
    dt.datetime = Stepped  # type: ignore[misc]
    from pvtop.cli import main

    sys.argv[0] = "pvtop"
    main()
