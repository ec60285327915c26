"""Signals end the program at any moment, with the right exit code and without a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE

import pytest

from support.processes import wait_until
from support.samples import DAY, HOUR, serve
from support.server.behaviours import slow_start
from support.server.files import Server

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGHUP, 129)]
every_signal = pytest.mark.parametrize(("by", "code"), SIGNALS, ids=str)
REPORT = ["report", "--date", "2024-08-03", "--hour", "6", "--blacklist", "none", "--output", "lake"]

NO_SIGNAL_IGNORED = """
import signal

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the tests themselves may run under nohup
    signal.signal(number, signal.SIG_DFL)
"""

PVTOP = (
    NO_SIGNAL_IGNORED
    + """
import runpy

runpy.run_module("pvtop", run_name="__main__", alter_sys=True)
"""
)

SIGNAL_AT_FIRST_IMPORT = """
import os, runpy, sys

class SignalAt:
    def find_spec(self, name, path, target=None):
        if name == "pvtop.cli":
            os.kill(os.getpid(), int(sys.argv.pop()))

sys.meta_path.insert(0, SignalAt())
runpy.run_module("pvtop", run_name="__main__", alter_sys=True)
"""

THREAD_THAT_NEVER_ENDS = """
import os, signal, sys, threading
import pvtop.__main__ as program

program.GRACE = 1
program._handle_signals(lambda number, _: program._interrupt(130, []))
threading.Thread(target=threading.Event().wait).start()
try:
    os.kill(os.getpid(), signal.SIGTERM)
except KeyboardInterrupt:
    sys.exit(3)
"""


def python(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False, timeout=120)


@every_signal
def test_signal_before_anything_is_imported(by: signal.Signals, code: int) -> None:
    done = python("-c", NO_SIGNAL_IGNORED + SIGNAL_AT_FIRST_IMPORT, "status", str(int(by)))
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_importing_the_library_handles_no_signals() -> None:
    program = "import signal, pvtop, pvtop.cli; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert python("-c", program).stdout == "True\n"


def test_run_ends_even_if_a_thread_never_does() -> None:
    done = python("-c", THREAD_THAT_NEVER_ENDS)
    assert (done.returncode, done.stderr) == (130, "")


@every_signal
def test_signal_during_a_download_says_what_to_do(server: Server, by: signal.Signals, code: int) -> None:
    server.always[f"/{HOUR.dump_path}"] = slow_start
    done = interrupted([*REPORT, "--source", server.url, "-q"], by, lambda: bool(server.asked(f"/{HOUR.dump_path}")))
    assert done == (code, "pvtop: interrupted: nothing is half-written; run it again to go on\n")
    assert not [path for path in Path().rglob("*.tmp") if path.is_file()]


def test_interrupted_batch_says_how_many_hours_it_has_made(server: Server) -> None:
    settings = serve(server, DAY[:3])
    server.always[f"/{DAY[2].dump_path}"] = slow_start
    batch = [
        "batch",
        "--start",
        DAY[0].iso,
        "--end",
        DAY[2].iso,
        "--blacklist",
        "none",
        "--source",
        str(settings.source),
    ]
    with subprocess.Popen([sys.executable, "-c", PVTOP, *batch, "--output", "lake"], stderr=PIPE, text=True) as process:
        assert process.stderr
        made = (line for line in process.stderr if " made: " in line)
        assert next(made) != next(made)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
    assert process.returncode == 130
    assert told.splitlines()[-1] == "pvtop: interrupted: 2 of 3 hours made; run it again to go on"


def test_batch_interrupted_while_it_plans_says_that_nothing_was_made(server: Server) -> None:
    month = f"/{HOUR.month_folder}/"
    server.always[month] = slow_start
    batch = ["batch", "--start", HOUR.iso, "--end", HOUR.iso, "--blacklist", "none", "--source", server.url, "-q"]
    done = interrupted([*batch, "--output", "lake"], signal.SIGINT, lambda: bool(server.asked(month)))
    assert done == (130, "pvtop: interrupted: nothing was made; run it again to go on\n")


def test_ignored_hangup_does_not_end_a_run() -> None:
    """As under nohup."""
    program = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + SIGNAL_AT_FIRST_IMPORT
    done = python("-c", program, "--version", str(int(signal.SIGHUP)))
    assert (done.returncode, done.stderr) == (0, "")


def interrupted(args: list[str], by: signal.Signals, when: Callable[[], bool]) -> tuple[int, str]:
    """Run pvtop and send it a signal when a condition holds. Return its exit code and its stderr."""
    command = [sys.executable, "-c", PVTOP, *args]
    with subprocess.Popen(command, stderr=PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            wait_until(when, process)
            process.send_signal(by)
            _, told = process.communicate(timeout=120)
        finally:
            process.kill()
    return process.returncode, told
