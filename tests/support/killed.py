"""Runs an hour again and again, killed before another of its file changes each time, and then undisturbed.

A separate program, as its changes to itself cannot be undone: `killed.py before right '{settings as JSON}' KIND`, in an
empty folder. KIND is `any`, or `seen` to kill it only before a file with a final name appears or goes. Every run begins
with the files of the folder `before`, and ends with the lake of the folder `right`. Prints how many changes there are.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import aiohttp  # noqa: F401 - imported before the process is copied, so that each copy starts fast
import pyarrow.parquet  # noqa: F401 - the same
import stamina  # noqa: F401 - the same

from pvtop.core.hour import Hour
from pvtop.pipeline.hour import run_hour
from pvtop.settings import Settings

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "fcntl.flock"}
KILLED = 137


def is_change(event: str, args: tuple[object, ...]) -> bool:
    """Return whether an event changes a file, or opens one to write."""
    opens = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    return bool(opens) or event in CHANGES


def is_seen(event: str, args: tuple[object, ...]) -> bool:
    """Return whether an event changes what others see: a file with a final name appears or goes."""
    names = args[: {"os.rename": 2, "os.remove": 1}.get(event, 0)]
    return not all(Path(os.fsdecode(name)).name.startswith(".") for name in names)  # type: ignore[arg-type]


KINDS = {"any": is_change, "seen": is_seen}


def kill_before(change: int, kind: str = "any") -> None:
    """End this process, as if killed, before its n-th change to a file."""
    before(change, lambda: os._exit(KILLED), kind)


def before(change: int, step: Callable[[], object], kind: str = "any") -> None:
    """Call a function before the n-th change of this process to a file."""
    changes, counts = count(1), KINDS[kind]

    def look(event: str, args: tuple[object, ...]) -> None:
        if counts(event, args) and next(changes) == change:
            step()

    sys.addaudithook(look)


def in_a_copy(step: Callable[[], object]) -> int:
    """Run a function in a copy of this process. Return its exit code."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    step()
    os._exit(0)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main(before: Path, right: Path, flags: str, kind: str) -> None:
    """Kill the run before each change. Print the number of changes."""
    settings = Settings.model_validate_json(flags)
    hour = Hour.parse("2024-08-03T06")
    old, new, lake = files(before / "lake"), files(right), Path("lake")

    def killed(change: int) -> None:
        kill_before(change, kind)
        run_hour(hour, settings)

    for change in count(1):
        shutil.rmtree("lake", ignore_errors=True)
        shutil.rmtree("cache", ignore_errors=True)
        shutil.copytree(before, ".", dirs_exist_ok=True)
        code = in_a_copy(lambda change=change: killed(change))  # type: ignore[misc]
        done = {name: content for name, content in files(lake).items() if not name.startswith(".tmp/")}
        if any("top_pages/" in name for name in done):
            assert done in (old, new), f"killed before change {change}: an hour that looks done is not"
        assert in_a_copy(lambda: run_hour(hour, settings)) == 0, f"killed before change {change}: no new run"
        assert files(lake) == new, f"killed before change {change}: another lake"
        left = [path for folder in (lake, Path("cache")) for path in folder.rglob("*.tmp") if path.is_file()]
        assert not left, f"killed before change {change}: {left}"
        if code != KILLED:
            assert code == 0
            print(change - 1)  # noqa: T201 - the result
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
