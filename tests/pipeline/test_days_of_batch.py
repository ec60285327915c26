"""Day files that a batch makes: each day ends as `build_days` lets it end."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest

from pvtop.core.states import HourState
from pvtop.lake.layout import day_path
from pvtop.pipeline.batch import BatchResult, run_hours
from pvtop.pipeline.days import build_days
from pvtop.pipeline.days_of_batch import partial_days, whole_days
from pvtop.settings import Settings
from support.days import DAY
from support.samples import Command
from support.server.behaviours import status
from support.server.files import File, Server

SMALL = {1: "en A 5 0\nen B 3 0\n", 2: "de A 1 0\nen A 7 0\n", 5: "en A 1 0\nen.m A 2 0\n"}
MADE, UNCHANGED, NOT_PUBLISHED = HourState.MADE, HourState.UNCHANGED, HourState.NOT_PUBLISHED


@pytest.fixture
def settings(server: Server) -> Settings:
    """Serve some hours of `DAY`. Return settings for the server and a lake."""
    serve(server, SMALL)
    return Settings.load(source=server.url, blacklist="none", output="lake")


def serve(server: Server, dumps: Mapping[int, str]) -> None:
    for hour, dump in dumps.items():
        server.files[f"/{DAY.hours[hour].dump_path}"] = File(gzip.compress(dump.encode(), mtime=0))


def refused(server: Server) -> None:
    """Answer that the dumps do not exist, although they are listed."""
    server.always |= {f"/{DAY.hours[hour].dump_path}": status(404) for hour in SMALL}


def requests(server: Server) -> int:
    """Return how often dumps were asked for since the last call."""
    count = sum(".gz" in path for path, _ in server.requests)
    server.requests.clear()
    return count


def batch(settings: Settings, **others: object) -> BatchResult:
    return run_hours(DAY.hours, settings.model_copy(update=others), days=True)


def content() -> bytes:
    return Path("lake", day_path(DAY)).read_bytes()


def test_whole_and_partial_days() -> None:
    hours = [*DAY.hours, *(DAY + 1).hours[:3]]
    assert (whole_days(hours), partial_days(hours)) == ([DAY], [DAY + 1])


def test_day_whose_dumps_are_the_same_is_verified_and_left(server: Server, settings: Settings) -> None:
    assert batch(settings).days[0].state is MADE
    path, asked = Path("lake", day_path(DAY)), requests(server)
    before = path.stat()
    again = batch(settings, refresh_dump=True)
    assert (again.counts[UNCHANGED], [day.state for day in again.days]) == (len(SMALL), [UNCHANGED])
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert requests(server) == asked == len(SMALL), "each dump is downloaded once in a run"


@pytest.mark.parametrize("reported", [True, False], ids=["batch", "days build"])
def test_day_whose_dump_has_changed_is_made_from_the_dumps_that_were_verified(
    server: Server, settings: Settings, *, reported: bool
) -> None:
    batch(settings)
    before, _ = content(), requests(server)
    serve(server, {2: "de A 2 0\nen A 7 0\n"})
    if reported:
        again = batch(settings, refresh_dump=True).days
    else:
        again = build_days([DAY], settings.model_copy(update={"refresh_dump": True})).outcomes
    assert [day.state for day in again] == [MADE]
    assert content() != before
    assert requests(server) == len(SMALL)


def test_day_is_verified_if_a_report_fails(settings: Settings) -> None:
    batch(settings)
    Path("lake/top_pages", DAY.hours[2].partition, "top_pages.parquet").unlink()
    Path("lake/top_pages", DAY.hours[2].partition, "top_pages.parquet").mkdir()
    again = batch(settings, refresh_dump=True)
    assert (again.counts[HourState.FAILED], [day.state for day in again.days]) == (1, [UNCHANGED])


def test_day_none_of_whose_dumps_is_there_is_not_published(server: Server, settings: Settings) -> None:
    refused(server)
    found = batch(settings)
    assert (found.counts, [day.state for day in found.days]) == ({NOT_PUBLISHED: 24}, [NOT_PUBLISHED])
    assert [day.state for day in build_days([DAY], settings).outcomes] == [NOT_PUBLISHED]


COMMANDS = {
    "batch": ("batch", "--days", "--day", DAY.iso, "--blacklist", "none"),
    "days build": ("days", "build", "--start", DAY.iso),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_exit_code_is_3_if_nothing_is_published(
    pvtop_in_process: Command, server: Server, settings: Settings, command: str
) -> None:
    refused(server)
    done = pvtop_in_process(*COMMANDS[command], "--source", settings.source, "--output", "lake")
    assert (done.returncode, done.stderr.count("is published")) == (3, 1), done.stderr
    assert f"1 day not published: {DAY}\n" in done.stdout


def test_exit_code_is_4_if_hours_and_days_fail(pvtop_in_process: Command, server: Server, settings: Settings) -> None:
    serve(server, {2: "en\n"})
    args = ("--source", settings.source, "--output", "lake")
    done = pvtop_in_process(*COMMANDS["batch"], *args)
    assert done.returncode == 4
    assert "pvtop: 1 of 24 hours and 1 day failed\n" in done.stderr
    two_days = pvtop_in_process(*COMMANDS["days build"], "--end", (DAY + 1).iso, *args)
    assert two_days.returncode == 4
    assert "pvtop: 1 of 2 days failed\n" in two_days.stderr


def test_dumps_of_a_day_leave_the_cache_when_the_day_is_made(settings: Settings) -> None:
    """The reports are up to date, so only the day needs the dumps."""
    batch(settings)
    Path("lake", day_path(DAY)).unlink()
    again = batch(settings, cache_max_size=0)
    assert (again.counts[UNCHANGED], [day.state for day in again.days]) == (len(SMALL), [MADE])
    assert not list(settings.cache_dir.rglob("*.gz"))
