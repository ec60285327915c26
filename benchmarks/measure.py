"""Measure one process from its start to its end: wall time, CPU time, peak memory.

As a script it is the launcher between the harness and the process, as a process begins with its parent's peak memory
(Linux counts what was there before `exec`), and this one has next to none:

    python -I -S measure.py STDOUT STDERR COMMAND [ARGUMENT]...
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

KIB = 1024


@dataclass(frozen=True, slots=True)
class Figures:
    """What a process took.

    Attributes:
        seconds: Wall time, from before it is spawned until it is reaped.
        cpu: CPU time in seconds, user and system, of itself and all processes that it waited for.
        peak: The most memory that it had resident, in bytes; of several processes, the largest one's.
        code: Its exit code; negative, the signal that ended it.
        stdout: What it wrote to standard output.
        stderr: What it wrote to standard error.
    """

    seconds: float
    cpu: float
    peak: int
    code: int
    stdout: str
    stderr: str


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Figures:
    """Run a command to its end.

    Args:
        command: The program and its arguments.
        folder: Its working folder, which also takes its output.
        environment: Its environment.
    """
    stdout, stderr = folder / "stdout", folder / "stderr"
    launcher = [sys.executable, "-I", "-S", __file__, str(stdout), str(stderr)]
    done = subprocess.run([*launcher, *command], cwd=folder, env=environment, capture_output=True, check=True)
    return Figures(**json.loads(done.stdout), stdout=stdout.read_text(), stderr=stderr.read_text())


def main() -> None:
    """Run the command of the arguments, and print what it took."""
    stdout, stderr, *command = sys.argv[1:]
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 1, stdout, writing, 0o644), (os.POSIX_SPAWN_OPEN, 2, stderr, writing, 0o644)]
    started = perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    seconds = perf_counter() - started
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else KIB)
    code = os.waitstatus_to_exitcode(status)
    json.dump({"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "peak": peak, "code": code}, sys.stdout)


if __name__ == "__main__":
    main()
