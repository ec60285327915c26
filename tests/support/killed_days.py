"""Makes day files again and again, ended before another file change each time, and then undisturbed.

A separate program, as for `killed`: `python -m support.killed_days build KILL 3 7`, in a folder with a source of the
days `DAYS`. `build` runs `pvtop days build`, `batch` runs `pvtop batch --days`. Each run begins without a lake and a
cache. `KILL`, `INT` or `TERM` ends it before its 3rd and its 7th change; without numbers, before each change in turn.
Prints how many runs were ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

from pvtop.__main__ import main as run
from pvtop.core.day import Day
from support.killed import KILLED, before, files, in_a_copy

DAYS = [Day.parse("2024-12-30"), Day.parse("2024-12-31")]
RANGE = ("--start", DAYS[0].iso, "--end", DAYS[1].iso)
STAMPS = ("--start", DAYS[0].hours[0].iso, "--end", DAYS[1].hours[-1].iso)
COMMANDS = {"build": ("days", "build", *RANGE), "batch": ("batch", "--days", *STAMPS, "--blacklist", "none")}
ENDED = {"KILL": KILLED, "INT": 130, "TERM": 130}


def pvtop(command: str, prepare: Callable[[], object] = lambda: None) -> None:
    """Run a command, as a user does. A function is called right before it."""
    places = ("--source", "source", "--output", "lake", "--cache-dir", "cache")
    sys.argv = ["pvtop", *COMMANDS[command], *places, "--quiet"]
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    prepare()
    run()


def end(by: str) -> None:
    """End this process, as if killed, or send it a signal."""
    if by == "KILL":
        os._exit(KILLED)
    os.kill(os.getpid(), getattr(signal, f"SIG{by}"))


def left() -> list[Path]:
    """Return the temporary files, and what is left in scratch space."""
    temporary = [path for folder in ("lake", "cache") for path in Path(folder).rglob("*.tmp") if path.is_file()]
    return temporary + list(Path("cache/scratch").glob(".*"))


def main(command: str, by: str, changes: Iterable[int]) -> None:
    """End runs before some changes, and check what the next run makes. Print the number of runs that were ended."""
    for name in (signal.SIGINT, signal.SIGTERM):  # the tests themselves may run under nohup
        signal.signal(name, signal.default_int_handler)
    assert in_a_copy(lambda: pvtop(command)) == 0
    right, ended = files(Path("lake")), 0

    def disturbed(change: int) -> None:
        pvtop(command, lambda: before(change, lambda: end(by)))

    for change in changes:
        shutil.rmtree("lake")
        shutil.rmtree("cache", ignore_errors=True)
        code = in_a_copy(lambda change=change: disturbed(change))  # type: ignore[misc]
        assert code in {0, ENDED[by]}, f"ended before change {change}: exit code {code}"
        assert by == "KILL" or not left(), f"ended before change {change}: {left()}"
        if code == 0:  # there are no more changes
            break
        ended += 1
        made = {name: content for name, content in files(Path("lake")).items() if "pages.parquet" in name}
        assert all(right.get(name) == content for name, content in made.items() if not name.startswith(".tmp/"))
        assert in_a_copy(lambda: pvtop(command)) == 0, f"ended before change {change}: no new run"
        assert files(Path("lake")) == right, f"ended before change {change}: another lake"
        assert not left(), f"ended before change {change}: {left()}"
    print(ended)  # noqa: T201 - the result


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], map(int, sys.argv[3:]) if sys.argv[3:] else count(1))
