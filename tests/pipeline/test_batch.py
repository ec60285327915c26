"""Many hours, from a folder and from a server."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from polars.exceptions import PanicException

from pvtop.core.errors import OutputError
from pvtop.core.hour import Hour, hour_range
from pvtop.core.states import HourState
from pvtop.lake.layout import domains_path, text_path, top_pages_path
from pvtop.pipeline.batch import run_hours
from pvtop.settings import Settings
from support.samples import DATA, DAY, SOURCE, Command, WriteDump, serve
from support.server.behaviours import slow_start
from support.server.files import File, Server

ARGS = ("--source", SOURCE, "--blacklist", DATA / "blacklist", "--output", "lake")


def files(folder: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_batch_makes_the_newest_24_hours_once(pvtop_process: Command) -> None:
    first = json.loads(pvtop_process("batch", *ARGS, "--json").stdout)
    assert first["counts"] == {"made": 24}
    again = pvtop_process("batch", *ARGS, "--last", "26", "--json")
    assert json.loads(again.stdout)["counts"] == {"made": 2, "unchanged": 24}
    assert "26 hours: 2 to make, 24 up to date" in again.stderr


def test_batch_makes_chosen_hours_of_each_day(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(
        "batch", *ARGS, "--start", "2024-12-31", "--end", "2025-01-01", "--hours", "0,22-23", "--json"
    )
    data = json.loads(done.stdout)
    assert (done.returncode, data["counts"]) == (0, {"made": 4, "not_published": 2})
    assert data["not_published"] == ["2025-01-01T22", "2025-01-01T23"]


def test_dry_run_writes_nothing(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("batch", *ARGS, "--last", "2", "--dry-run")
    assert done.stdout.splitlines() == [
        "2 hours to make: not in the lake (2025-01-01T00 to 2025-01-01T01)",
        "2 hours: 2 to make",
    ]
    assert not Path("lake").exists()


def test_report_of_another_hour_is_refused_and_made_again(pvtop_in_process: Command) -> None:
    pvtop_in_process("batch", *ARGS, "--last", "2", "--quiet")
    before = files("lake")
    first, last = Hour.parse("2025-01-01T00"), Hour.parse("2025-01-01T01")
    copied = Path("lake", top_pages_path(last))
    copied.write_bytes(Path("lake", top_pages_path(first)).read_bytes())
    shown = pvtop_in_process("show", "--date", "2025-01-01", "--hour", "1", "--output", "lake")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert f"cannot read {copied}: it is the report of 2025-01-01T00:00:00Z" in shown.stderr
    planned = pvtop_in_process("batch", *ARGS, "--last", "2", "--dry-run").stdout.splitlines()
    assert planned[1] == "1 hour to make: damaged, or made by another version (2025-01-01T01)"
    assert pvtop_in_process("batch", *ARGS, "--last", "2", "--quiet").returncode == 0
    assert files("lake") == before


def test_failed_hour_does_not_stop_other_hours(pvtop_in_process: Command, server: Server) -> None:
    settings = serve(server, DAY[:4])
    server.files[f"/{DAY[1].dump_path}"] = File(b"junk")
    args = ("--source", settings.source, "--blacklist", "none", "--output", "lake")
    done = pvtop_in_process("batch", *args, "--last", "4", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["counts"] == {"failed": 1, "made": 3}
    assert json.loads(done.stdout)["failures"][0]["hour"] == DAY[1].iso

    seen = json.loads(pvtop_in_process("status", *args[:2], *args[4:], "--last", "4", "--json").stdout)
    assert seen["hours"][DAY[1].iso] == "failed"
    server.files[f"/{DAY[1].dump_path}"] = File((SOURCE / DAY[1].dump_path).read_bytes())
    assert json.loads(pvtop_in_process("batch", *args, "--last", "4", "--json").stdout)["counts"] == {
        "made": 1,
        "unchanged": 3,
    }
    assert not [name for name in files("lake") if "failures" in name]


def test_function_is_called_after_each_hour_that_is_in_the_lake() -> None:
    settings = Settings.load(source=str(SOURCE), blacklist="none", output="lake")
    run_hours(DAY[:1], settings)
    called: list[Hour] = []

    def after(hour: Hour) -> None:
        assert Path("lake", top_pages_path(hour)).exists()
        called.append(hour)
        if hour == DAY[2]:
            raise OutputError("refused")

    result = run_hours([*DAY[:3], Hour.parse("2030-01-01T00")], settings, after=after)
    assert sorted(called) == DAY[:3]
    assert result.counts == {"made": 1, "unchanged": 1, "failed": 1, "not_published": 1}
    assert [(failure.hour, str(failure.error)) for failure in result.failures] == [(DAY[2], "refused")]


def test_any_error_of_the_function_does_not_stop_the_other_hours() -> None:
    settings = Settings.load(source=str(SOURCE), blacklist="none", output="lake")
    errors = {DAY[0]: ValueError("no number"), DAY[1]: MemoryError(), DAY[2]: PanicException("no frame")}

    def after(hour: Hour) -> None:
        raise errors[hour]

    failed = "the report is in the lake, but the function `after` failed"
    result = run_hours(DAY[:3], settings, after=after)
    assert {failure.hour: str(failure.error) for failure in result.failures} == {
        DAY[0]: f"{failed}: ValueError: no number",
        DAY[1]: "the machine has no memory left",
        DAY[2]: f"{failed}: PanicException: no frame",
    }
    assert run_hours(DAY[:3], settings).counts == {"unchanged": 3}


def test_damaged_hour_is_made_again() -> None:
    settings = Settings.load(source=str(SOURCE), blacklist="none", output="lake")
    run_hours(DAY[:2], settings)
    before = files("lake")
    path = Path("lake", top_pages_path(DAY[0]))
    path.write_bytes(path.read_bytes()[:-9] + bytes(9))
    assert run_hours(DAY[:3], settings).counts == {"unchanged": 1, "made": 2}
    assert before.items() <= files("lake").items()


@pytest.mark.parametrize("path_of", [top_pages_path, domains_path, text_path])
def test_hour_that_lacks_a_file_is_made_again(path_of: Callable[[Hour], str]) -> None:
    settings = Settings.load(source=str(SOURCE), blacklist="none", output="lake")
    run_hours(DAY[:2], settings)
    before = files("lake")
    Path("lake", path_of(DAY[0])).unlink()
    assert run_hours(DAY[:2], settings).counts == {"unchanged": 1, "made": 1}
    assert files("lake") == before


def test_batch_without_any_published_hour_exits_with_3(pvtop_in_process: Command) -> None:
    assert pvtop_in_process("batch", *ARGS, "--start", "2020-01-01T00", "--end", "2020-01-01T01").returncode == 3


@pytest.mark.parametrize(
    "args",
    [("--end", "2024-12-31"), ("--last", "2", "--start", "2024-12-31"), ("--hours", "25"), ("--hours", "5-3"),
     ("--hours", ""), ("--start", ""), ("--start", "2024-12-31", "--end", ""), ("--last", "2", "--end", ""),
     ("--start", "2024-12-31", "--end", "2024-12-30"), ("--start", "2024-13-01")],
)  # fmt: skip
def test_invalid_range_is_wrong_usage(pvtop_in_process: Command, args: tuple[str, ...]) -> None:
    assert pvtop_in_process("batch", *ARGS, *args).returncode == 2


def test_batch_limits_connections_and_names_the_contact(server: Server) -> None:
    settings = serve(server, DAY)
    result = run_hours(DAY, settings)
    assert result.counts[HourState.MADE] == 24
    assert 1 <= server.most_at_once <= 2
    assert all(asked["User-Agent"].startswith("pvtop/") for _, asked in server.requests)
    assert all("(me@example.org)" in asked["User-Agent"] for _, asked in server.requests)


def test_batch_keeps_the_cache_below_its_maximum_size(server: Server) -> None:
    settings = serve(server, DAY).model_copy(update={"cache_max_size": 20_000})
    run_hours(DAY, settings)
    kept = list(settings.cache_dir.rglob("*.gz"))
    assert sum(path.stat().st_size for path in kept) <= 20_000
    assert kept


def test_batch_removes_old_dumps_from_the_cache(server: Server) -> None:
    settings = serve(server, DAY[:3]).model_copy(update={"cache_max_age": timedelta(days=7)})
    run_hours(DAY[:2], settings)
    old, young = (settings.cache_dir / hour.dump_path for hour in DAY[:2])
    week_ago = time.time() - timedelta(days=7, minutes=1).total_seconds()
    os.utime(old, (week_ago, week_ago))
    run_hours(DAY[2:3], settings)
    assert not old.exists()
    assert young.exists()


def test_refresh_dump_downloads_made_hours_again(server: Server) -> None:
    settings = serve(server, DAY[:2])
    run_hours(DAY[:2], settings)
    server.files[f"/{DAY[0].dump_path}"] = File((SOURCE / DAY[5].dump_path).read_bytes())
    refreshed = run_hours(DAY[:2], settings.model_copy(update={"refresh_dump": True}))
    assert refreshed.counts == {"unchanged": 1, "made": 1}


def test_terminal_shows_progress_and_time_left() -> None:
    terminal, stderr = pty.openpty()
    command = [str(Path(sys.executable).with_name("pvtop")), "batch", *map(str, ARGS), "--last", "3"]
    with subprocess.Popen(command, stderr=stderr, stdout=subprocess.PIPE, text=True) as process:
        os.close(stderr)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while chunk := os.read(terminal, 65536):
                shown += chunk
        assert process.communicate()[0] == "3 hours: 3 made\n"
    os.close(terminal)
    assert re.search(rb"3 of 3, [\d.,]+ a minute, 0:00:00 left", shown)
    assert b"2025-01-01T01" in shown
    assert b"computing" in shown


def test_log_format_json_writes_json_lines(pvtop_in_process: Command) -> None:
    lines = pvtop_in_process("batch", *ARGS, "--last", "1", "--log-format", "json").stderr.splitlines()
    logged = [json.loads(line) for line in lines]
    assert logged[-1]["hour"] == "2025-01-01T01"
    assert logged[-1]["state"] == "made"
    assert logged[-1]["level"] == "info"


TURNS = {  # first and last stamp of some hours around a turn of the calendar or of clocks
    "the beginning of a leap day": ("2024-02-28T23", "2024-02-29T01"),
    "the end of a leap day": ("2024-02-29T23", "2024-03-01T01"),
    "the end of a month": ("2024-07-31T22", "2024-08-01T01"),
    "the end of a year": ("2023-12-31T22", "2024-01-01T01"),
    "clocks forward in New York": ("2024-03-10T05", "2024-03-10T09"),
    "clocks back in New York": ("2024-11-03T04", "2024-11-03T08"),
    "clocks back in Chatham": ("2024-04-06T12", "2024-04-06T16"),
    "clocks forward in Chatham": ("2024-09-28T12", "2024-09-28T16"),
}


def test_time_zone_of_the_machine_does_not_matter(
    pvtop_process: Command, pvtop_in_process: Command, write_dump: WriteDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = [hour for first, last in TURNS.values() for hour in hour_range(Hour.parse(first), Hour.parse(last))]
    for number, hour in enumerate(hours):
        write_dump(f"en {hour.iso} {number} 0\n", hour)
    settings = Settings.load(source="source", blacklist="none", output="lake")
    assert run_hours(hours, settings).counts[HourState.MADE] == len(hours)
    assert len(files("lake")) == 3 * len(hours)

    for zone in ("America/New_York", "Pacific/Chatham"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert run_hours(hours, settings).counts[HourState.UNCHANGED] == len(hours)
        assert run_hours(hours, settings.model_copy(update={"output": zone})).counts[HourState.MADE] == len(hours)
        assert files(zone) == files("lake")

        args = ("--source", "source", "--blacklist", "none", "--output", f"command/{zone}", "--json")
        first, last = TURNS["clocks forward in New York"]
        made = json.loads(pvtop_process("batch", *args, "--start", first, "--end", last).stdout)
        assert made["counts"] == {"made": 5}
        newest = json.loads(pvtop_in_process("report", *args).stdout)
        assert newest["hour"] == "2024-11-03T08"
        assert files(f"command/{zone}").items() <= files("lake").items()


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the time zone of the machine after a test."""
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "moments",
    [
        [0.3, 0.5, 0.7],
        pytest.param([random.Random(1).uniform(0, 1) for _ in range(50)], marks=pytest.mark.long),
    ],
    ids=["3 moments", "50 random moments"],
)
def test_killed_batch_is_completed_by_the_next_run(
    pvtop_process: Command, pvtop_in_process: Command, server: Server, moments: list[float]
) -> None:
    """Each moment is a share of the time that an undisturbed run takes."""
    hours = DAY[:8] if len(moments) < 10 else DAY
    serve(server, hours)
    args = ["batch", "--source", server.url, "--blacklist", str(DATA / "blacklist")]
    args += ["--start", hours[0].iso, "--end", hours[-1].iso]
    started = time.monotonic()
    assert pvtop_process(*args, "--output", "undisturbed").returncode == 0
    took = time.monotonic() - started
    expected, cache = files("undisturbed"), Path(os.environ["PVTOP_CACHE_DIR"])
    command = [str(Path(sys.executable).with_name("pvtop")), *args, "--output", "lake"]
    for moment in moments:
        for folder in (Path("lake"), cache):
            shutil.rmtree(folder, ignore_errors=True)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(moment * took)
            process.kill()
        assert pvtop_in_process(*args, "--output", "lake").returncode == 0
        assert files("lake") == expected
        assert not list(cache.rglob("*.tmp"))


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_batch_exits_with_130_and_leaves_no_temporary_files(server: Server, by: signal.Signals) -> None:
    serve(server, DAY)
    server.always[f"/{DAY[-1].dump_path}"] = slow_start  # so that the batch cannot end first
    command = [str(Path(sys.executable).with_name("pvtop")), "batch", "--source", server.url, "--blacklist", "none"]
    command += ["--output", "lake", "--start", "2024-12-31"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        process.stderr.readline()
        process.send_signal(by)
        process.communicate(timeout=120)
    assert process.returncode == 130
    assert not [path for path in Path().rglob("*.tmp") if path.is_file()]
