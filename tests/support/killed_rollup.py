"""Makes a rollup again and again, killed before another of its file changes each time, and then undisturbed.

A separate program, as for `killed`: `python -m support.killed_rollup 2024-12-30 any`, in a
folder whose lake has a rollup of the day with more pages per domain. Prints how many changes there are.
"""

from __future__ import annotations

import shutil
import sys
from itertools import count
from pathlib import Path

from pvtop.core.day import Day
from pvtop.core.period import Period
from pvtop.pipeline.rollup import run_rollup
from pvtop.settings import Settings
from support.killed import KILLED, files, in_a_copy, kill_before


def main(day: str, kind: str) -> None:
    """Kill the run before each change. Print the number of changes."""
    period, lake = Period.of_day(Day.parse(day)), Path("lake")
    settings = Settings.load(source="source", blacklist="none", output="lake", top=7)
    shutil.copytree(lake, "before")

    def undisturbed() -> None:
        run_rollup(period, settings)

    def start_over() -> None:
        shutil.rmtree(lake)
        shutil.copytree("before", lake)

    assert in_a_copy(undisturbed) == 0
    right = files(lake)
    for change in count(1):
        start_over()

        def killed(change: int = change) -> None:
            kill_before(change, kind)
            undisturbed()

        if in_a_copy(killed) != KILLED:
            break
        assert in_a_copy(undisturbed) == 0
        assert files(lake) == right, f"killed before change {change}: another lake"
    print(change - 1)  # noqa: T201 - the result


if __name__ == "__main__":
    main(*sys.argv[1:])
