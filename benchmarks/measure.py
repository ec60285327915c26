"""Measure a process from its start to its end: wall time, CPU time, peak memory.

As a script, this module is the launcher of the process. On Linux a process starts with the peak memory of its parent,
and the launcher uses next to none:

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
    """The figures of one process.

    Attributes:
        seconds: Wall time, from before it is spawned until it is reaped.
        cpu: CPU time in seconds, user and system, of the process and all processes that it waited for.
        peak: Peak resident memory in bytes; with several processes, that of the largest one.
        code: Exit code; if negative, the signal that ended the process.
        stdout: The text on standard output.
        stderr: The text on standard error.
    """

    seconds: float
    cpu: float
    peak: int
    code: int
    stdout: str
    stderr: str


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Figures:
    """Run a command and return its figures.

    Args:
        command: The program and its arguments.
        folder: The working folder; the output is also written there.
        environment: The environment of the command.
    """
    stdout, stderr = folder / "stdout", folder / "stderr"
    launcher = [sys.executable, "-I", "-S", __file__, str(stdout), str(stderr)]
    done = subprocess.run([*launcher, *command], cwd=folder, env=environment, capture_output=True, check=True)
    return Figures(**json.loads(done.stdout), stdout=stdout.read_text(), stderr=stderr.read_text())


def main() -> None:
    """Run the command in the arguments, and print its figures as JSON."""
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
