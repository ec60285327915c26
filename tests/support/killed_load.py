"""Load what a mart lacks, and be killed at some moment of an hour.

A separate program, as for `killed`: `python -m support.killed_load ADDRESS LAKE 2 340` ends itself by SIGKILL before
the 340th call of a Python function in the load of the second hour, however fast the machine is.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from pvtop import Mart
from pvtop.mart.replace import replace_part


def kill_in(hour: int, call: int) -> None:
    """End this process, as if killed, before a call of a function in the load of the n-th hour."""
    hours = calls = 0

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal hours, calls
        if event == "call":
            hours += frame.f_code is replace_part.__code__
            calls += hours >= hour
            if calls >= call and hours >= hour:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)


if __name__ == "__main__":
    kill_in(*map(int, sys.argv[3:]))
    Mart(sys.argv[1]).load(sys.argv[2])
