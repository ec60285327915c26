"""The library in a program that has an event loop of its own, such as a notebook."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pvtop
from support.samples import DATA, DAY, HOUR, SOURCE, serve
from support.server.behaviours import slow_start
from support.server.files import Server

INTERRUPTED = """
import asyncio, os, signal, sys
import pvtop

signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a notebook; the tests may run under nohup

class Interrupt:
    def planned(self, actions):
        os.kill(os.getpid(), signal.SIGINT)

    def downloading(self, hour, done, total):
        pass

    computing = finished = print

async def cell():
    try:
        settings = pvtop.Settings.load(source=sys.argv[1], blacklist="none", attempts=1)
        pvtop.run_hours([sys.argv[2]], settings, Interrupt())
    except KeyboardInterrupt:
        print("interrupted")

asyncio.new_event_loop().run_until_complete(cell())
"""


async def test_library_works_in_a_running_loop(tmp_path: Path) -> None:
    settings = pvtop.Settings.load(source=str(SOURCE), blacklist=str(DATA / "blacklist"), output=str(tmp_path / "lake"))
    newest = pvtop.newest_hour(settings)
    assert pvtop.last_hours(settings, 2) == [newest + -1, newest]
    assert pvtop.run_hour(DAY[3].stamp, settings).state is pvtop.HourState.MADE
    result = pvtop.run_hours([hour.iso for hour in DAY[2:5]], settings)
    assert result.counts == {pvtop.HourState.MADE: 2, pvtop.HourState.UNCHANGED: 1}
    totals = pvtop.Lake(settings.output).scan_totals(DAY[2], DAY[4])
    assert totals.collect()["start"].n_unique() == 3
    with pytest.raises(pvtop.NotPublishedError):
        pvtop.run_hour(HOUR, settings)


def test_interrupt_ends_a_run_in_a_running_loop(server: Server) -> None:
    """An interrupt reaches the main thread only, which waits for the thread with the run."""
    settings = serve(server, [DAY[-1]])
    server.always[f"/{DAY[-1].dump_path}"] = slow_start  # so that the run cannot end first
    command = [sys.executable, "-c", INTERRUPTED, settings.source, DAY[-1].iso]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ, timeout=600)
    assert done.stdout == "interrupted\n"
