"""The library in a program that has an event loop of its own, such as a notebook."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pvtop
from support.samples import DATA, DAY, HOUR, SOURCE, WriteDump, serve
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


async def test_days_and_what_is_computed_from_them_work_in_a_running_loop(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    day = pvtop.Day.parse("2024-12-30")
    write_dump("en A 250 0\nen.m A 50 0\n", (day + -1).hours[3])
    write_dump("en A 900 0\nen.m A 100 0\n", day.hours[3])
    (tmp_path / "blacklist").write_text("en B\n")
    settings = pvtop.Settings.load(
        source=str(tmp_path / "source"), blacklist=str(tmp_path / "blacklist"), output=str(tmp_path / "lake")
    )
    assert pvtop.build_days([day + -1, day], settings).counts == {pvtop.HourState.MADE: 2}
    assert pvtop.run_rollup(day, settings, merge_access=True).rollup.top_pages.item(0, "views") == 1_000
    assert pvtop.run_rollup("2024-12", settings).state is pvtop.HourState.MADE
    assert pvtop.read_series("en:A", day, settings).frame.get_column("views").sum() == 900
    assert pvtop.find_movers(day, settings, against=1, min_ratio=1).pages.item(0, "daily_views").to_list() == [
        300,
        1_000,
    ]
    assert pvtop.find_spikes(day, settings).pages.item(0, "peak_views") == 1_000
    with pytest.raises(pvtop.NoDayFilesError) as caught:
        pvtop.find_spikes(day + 1, settings)
    assert caught.value.hint == "make it with build_days"


async def test_runs_in_tasks_of_a_running_loop_do_not_wait_for_it(tmp_path: Path, write_dump: WriteDump) -> None:
    hours = pvtop.Day.parse("2024-12-30").hours[:3]
    for hour in hours:
        write_dump("en A 250 0\n", hour)
    settings = pvtop.Settings.load(source=str(tmp_path / "source"), blacklist="none", output=str(tmp_path / "lake"))
    runs = [asyncio.to_thread(pvtop.run_hour, hour, settings) for hour in hours]
    assert [result.state for result in await asyncio.gather(*runs)] == [pvtop.HourState.MADE] * 3


def test_interrupt_ends_a_run_in_a_running_loop(server: Server) -> None:
    """An interrupt reaches the main thread only, which waits for the thread with the run."""
    settings = serve(server, [DAY[-1]])
    server.always[f"/{DAY[-1].dump_path}"] = slow_start  # so that the run cannot end first
    command = [sys.executable, "-c", INTERRUPTED, str(settings.source), DAY[-1].iso]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ, timeout=600)
    assert done.stdout == "interrupted\n"
