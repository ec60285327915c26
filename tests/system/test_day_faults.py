"""The rows of docs/failure-modes.md about the machine while day files are made."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import fsspec
import pytest
from aiohttp import web

from pvtop.core.day import Day
from pvtop.lake.layout import day_path, top_pages_path
from support.days import write_day
from support.disks import mounted_at
from support.killed_days import DAYS
from support.pages import failure_modes
from support.processes import wait_until
from support.samples import ROOT, Command
from support.server.behaviours import slow_start
from support.server.files import File, Server
from support.server.s3 import S3Proxy

ROWS = {fault: cells for fault, *cells in failure_modes("A day file, and the machine")}
DISKS = {  # dumps with 20,000 pages each need 2.5 MB by the check, and take 2.7 MB
    "scratch space full while a day is read": "size=9m,nr_inodes=6",
    "scratch space full while a day is merged": "size=2550k",
}
LAKE, S3 = "lake full when a day is written", "S3 silent while a day is written"
KILL, INTERRUPT = "killed while days are made", "interrupted while days are made"
DAY = DAYS[0]
DAY_FILE = Path("lake", day_path(DAY))
HOURS = DAY.hours[1:4]
WORK = {
    "days build": ("days", "build", "--start", DAY.iso),
    "batch --days": ("batch", "--days", "--day", DAY.iso, "--blacklist", "none"),
}
both = pytest.mark.parametrize("work", WORK)


def test_every_row_of_the_page_is_tested() -> None:
    assert set(ROWS) == {*DISKS, LAKE, S3, KILL, INTERRUPT}


def publish(pages: int = 0, days: Sequence[Day] = (DAY,)) -> None:
    """Write a source with three hours of each day, which have some more pages with titles that do not repeat."""
    noise = random.Random(1)
    for day in days:
        for number, hour in enumerate(day.hours[1:4]):
            path = Path("source", hour.dump_path)
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [f"de {noise.getrandbits(60):060b} 1 0\n" for _ in range(pages)]
            path.write_bytes(gzip.compress(f"{''.join(lines)}en A {number} 0\n".encode(), 6, mtime=0))


def assert_as_told(done: subprocess.CompletedProcess[str], fault: str, work: str) -> None:
    """Compare the outcome of a command with the row of the page."""
    build, batch, message, *_ = ROWS[fault]
    assert str(done.returncode) == (build if work == "days build" else batch), done.stdout + done.stderr
    assert message.strip("`") in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def left() -> list[Path]:
    """Return the temporary files, and what is left in scratch space."""
    scratch = [path for folder in ("cache", "disk") for path in Path(folder, "scratch").glob(".*")]
    return scratch + [path for path in Path().rglob("*.tmp") if path.is_file()]


@both
@pytest.mark.parametrize("fault", DISKS)
def test_scratch_space_full(pvtop_in_process: Command, fault: str, work: str) -> None:
    args = (*WORK[work], "--source", "source", "--output", "lake", "--quiet")
    publish()
    assert pvtop_in_process(*args, "--cache-dir", "cache").returncode == 0
    before = DAY_FILE.read_bytes()
    publish(20_000)
    with mounted_at(Path("disk"), "-t", "tmpfs", "-o", DISKS[fault], "tmpfs"):
        done = pvtop_in_process(*args, "--cache-dir", "disk")
        assert not left()
    assert_as_told(done, fault, work)
    assert DAY_FILE.read_bytes() == before
    assert "hour" not in done.stderr, "the reports are made"
    assert pvtop_in_process(*args, "--cache-dir", "cache").returncode == 0
    assert DAY_FILE.read_bytes() != before


@both
def test_lake_full_when_a_day_is_written(pvtop_in_process: Command, work: str) -> None:
    args = (*WORK[work], "--source", "source", "--output", "lake", "--cache-dir", "cache", "--quiet")
    publish()
    with mounted_at(Path("lake"), "-t", "tmpfs", "-o", "size=400k", "tmpfs"):
        assert pvtop_in_process(*args).returncode == 0
        before = DAY_FILE.read_bytes()
        publish(20_000)
        done = pvtop_in_process(*args, "--top", "1") if work == "batch --days" else pvtop_in_process(*args)
        assert_as_told(done, LAKE, work)
        assert DAY_FILE.read_bytes() == before
        assert not left()


@both
def test_s3_silent_while_a_day_is_written(
    pvtop_in_process: Command, s3: fsspec.AbstractFileSystem, s3_proxy: S3Proxy, work: str
) -> None:
    publish()
    earlier = write_day(Path("earlier"), DAY, {("en", "A"): {2: 1}}, missing={*range(24)} - {1, 2, 3}).read_bytes()
    s3.pipe_file(f"bucket/lake/{day_path(DAY)}", earlier)

    def is_of_a_day(request: web.Request) -> bool:
        return request.method in {"PUT", "POST"} and "pages.parquet" in request.path and "top_" not in request.path

    s3_proxy.misbehave(slow_start, is_of_a_day)
    args = (*WORK[work], "--source", "source", "--output", "s3://bucket/lake", "--cache-dir", "cache", "--quiet")
    done = pvtop_in_process(*args, PVTOP_CONNECT_TIMEOUT="1", PVTOP_READ_TIMEOUT="2")
    assert_as_told(done, S3, work)
    assert s3.cat_file(f"bucket/lake/{day_path(DAY)}") == earlier
    assert s3.exists(f"bucket/lake/{top_pages_path(HOURS[0])}") is (work == "batch --days")
    assert not left()


def killed(command: str, by: str, *changes: int) -> int:
    """Run `support.killed_days`. Return how many runs were ended."""
    publish(days=DAYS)
    program = [sys.executable, "-m", "support.killed_days", command, by, *map(str, changes)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), *sys.path])}
    done = subprocess.run(program, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("command", ["build", "batch"])
def test_killed_run_is_completed_by_the_next(command: str) -> None:
    changes = sorted(random.sample(range(2, 30), 3))
    assert killed(command, "KILL", *changes) == len(changes)


@pytest.mark.long
@pytest.mark.parametrize("by", ["KILL", "INT", "TERM"])
@pytest.mark.parametrize("command", ["build", "batch"])
def test_run_ended_before_any_file_change_is_completed_by_the_next(command: str, by: str) -> None:
    assert killed(command, by) > 30


@pytest.mark.parametrize(("work", "by"), [("days build", signal.SIGINT), ("batch --days", signal.SIGTERM)])
def test_interrupted_run_leaves_nothing_in_scratch_space(
    pvtop_in_process: Command, server: Server, work: str, by: signal.Signals
) -> None:
    publish()
    server.files |= {f"/{hour.dump_path}": File(Path("source", hour.dump_path).read_bytes()) for hour in HOURS}
    args = (*WORK[work], "--source", server.url, "--cache-dir", "cache", "--quiet", "--output")
    assert pvtop_in_process(*args, "right").returncode == 0
    shutil.rmtree("cache")
    server.always[f"/{HOURS[2].dump_path}"] = slow_start  # so that the run cannot end first
    with subprocess.Popen([sys.executable, "-m", "pvtop", *args, "lake"], stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: list(Path("cache", "scratch").rglob("*.arrow")), process)
        process.send_signal(by)
        told = process.communicate(timeout=120)[1]
    build, batch, message, *_ = ROWS[INTERRUPT]
    assert str(process.returncode) == (build if work == "days build" else batch)
    assert message.strip("`") in told
    assert not left()
    server.always.clear()
    assert pvtop_in_process(*args, "lake").returncode == 0
    assert DAY_FILE.read_bytes() == Path("right", day_path(DAY)).read_bytes()
