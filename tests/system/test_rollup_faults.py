"""The rows of docs/failure-modes.md about rollups."""

from __future__ import annotations

import contextlib
import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pvtop.core.period import Period
from pvtop.lake.layout import day_path, rollup_domains_path, rollup_top_pages_path
from pvtop.pipeline.rollup import run_rollup
from pvtop.settings import Settings
from support.days import DAY, Views, write_day
from support.disks import mounted_at
from support.pages import failure_modes
from support.samples import ROOT, Command

ROWS = {fault: cells for fault, *cells in failure_modes("A rollup")}
PERIOD = Period.of_day(DAY)
NOBODY = "http://127.0.0.1:1"
VIEWS: Views = {("en", f"page {number}"): {number % 24: number} for number in range(50)}
MAKE = ("rollup", "--day", DAY.iso, "--blacklist", "none")
OFFLINE, UNREACHABLE, ROOM, DISK, KILLED = (
    "a dump that is not on the machine, offline", "missing hours, and a source that cannot be reached",
    "no room for the scratch space of a rollup", "lake on a full disk, for a rollup", "killed rollup",
)  # fmt: skip


def whole(lake: Path) -> None:
    write_day(lake, DAY, VIEWS)


def without_hours(lake: Path) -> None:
    write_day(lake, DAY, {page: {0: 1} for page in VIEWS}, missing=[9, 10])


def without_any_hour(lake: Path) -> None:
    write_day(lake, DAY, {}, missing=range(24))


def hour_has_gone(lake: Path) -> None:
    write_day(lake, DAY, {page: {0: 1} for page in VIEWS}, missing=[7])


def damaged_day_file(lake: Path) -> None:
    (lake / day_path(DAY)).write_bytes(b"PAR1")


def day_file_of_another_day(lake: Path) -> None:
    (lake / day_path(DAY)).write_bytes(write_day(lake, DAY + 1, VIEWS).read_bytes())


def damaged_rollup(lake: Path) -> None:
    (lake / rollup_top_pages_path(PERIOD, merged=False)).write_bytes(b"PAR1")


def damaged_rollup_of_more_hours(lake: Path) -> None:
    damaged_rollup(lake)
    hour_has_gone(lake)


def damaged_totals(lake: Path) -> None:
    (lake / rollup_domains_path(PERIOD, merged=False)).write_bytes(b"PAR1")


def huge_sum(lake: Path) -> None:
    write_day(lake, DAY, {("en", "a"): {0: 2**63 - 1}, ("en", "b"): {0: 1}})


CASES: dict[str, tuple[bool, Callable[[Path], None], tuple[str, ...]]] = {
    "missing hours": (False, without_hours, ()),
    "missing hours and --strict": (False, without_hours, ("--strict",)),
    "all hours missing": (False, without_any_hour, ()),
    "hours that have gone": (True, hour_has_gone, ("--top", "7")),
    "damaged day file": (True, damaged_day_file, ("--top", "7")),
    "day file of another day": (True, day_file_of_another_day, ("--top", "7")),
    "damaged rollup": (True, damaged_rollup, ()),
    "damaged rollup, and missing hours": (True, damaged_rollup_of_more_hours, ()),
    "damaged totals of a rollup": (True, damaged_totals, ()),
    "sum beyond 64 bits": (True, huge_sum, ("--top", "7")),
}
"""Whether a rollup is there before, what is done to the lake, and the options of the run."""


def kept() -> list[bytes]:
    """Return the files of the rollup in the lake."""
    paths = (path(PERIOD, merged=False) for path in (rollup_top_pages_path, rollup_domains_path))
    return [Path("lake", path).read_bytes() for path in paths if Path("lake", path).exists()]


def assert_as_on_the_page(done: subprocess.CompletedProcess[str], name: str) -> None:
    code, message, *_ = ROWS[name]
    assert done.returncode == int(code), done.stderr
    assert message.strip("`") in (done.stderr if done.returncode else done.stdout)
    assert len(done.stderr.splitlines()) == (2 if done.returncode else 0), done.stderr


def test_every_row_of_the_page_is_tested() -> None:
    assert set(ROWS) == {*CASES, OFFLINE, UNREACHABLE, ROOM, DISK, KILLED}


@pytest.mark.parametrize("name", CASES)
def test_rollup_with_a_fault(pvtop_in_process: Command, tmp_path: Path, name: str) -> None:
    is_there, spoil, options = CASES[name]
    (tmp_path / "source").mkdir()
    if is_there:
        whole(tmp_path / "lake")
        assert pvtop_in_process(*MAKE, "--source", "source", "--output", "lake").returncode == 0
    before = kept()
    spoil(tmp_path / "lake")
    before = kept() if "missing hours" in name else before
    done = pvtop_in_process(*MAKE, "--source", "source", "--output", "lake", *options)
    assert_as_on_the_page(done, name)
    if done.returncode or is_there:
        assert kept() == before
    assert not [path for path in (tmp_path / "lake").rglob("*.tmp") if path.is_file()]


def test_rollup_offline_without_dumps(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*MAKE, "--source", "https://example.org/pageviews", "--output", "lake", "--offline")
    assert_as_on_the_page(done, OFFLINE)
    assert kept() == []


@pytest.mark.parametrize("is_there", [False, True], ids=["no rollup", "earlier rollup"])
def test_rollup_with_a_missing_hour_and_a_source_that_cannot_be_reached(
    pvtop_in_process: Command, tmp_path: Path, *, is_there: bool
) -> None:
    (tmp_path / "source").mkdir()
    without_hours(tmp_path / "lake")
    if is_there:
        assert pvtop_in_process(*MAKE, "--source", "source", "--output", "lake").returncode == 0
    before = kept()
    args = (*MAKE, "--source", NOBODY, "--output", "lake", "--contact", "me@example.org")
    failed = pvtop_in_process(*args)
    code, message, *_ = ROWS[UNREACHABLE]
    assert failed.returncode == int(code)
    assert message.strip("`") in failed.stderr
    assert kept() == before
    assert f"2 hours missing: {DAY.hours[9].iso}" in pvtop_in_process(*args, "--offline").stdout
    assert len(kept()) == 2


def fill(path: Path) -> None:
    """Write a file until the disk is full."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass


def test_rollup_on_a_full_disk_keeps_the_earlier_one(pvtop_in_process: Command, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with mounted_at(tmp_path / "lake", "-t", "tmpfs", "-o", "size=100k", "tmpfs"):
        whole(tmp_path / "lake")
        assert pvtop_in_process(*MAKE, "--source", "source", "--output", "lake").returncode == 0
        before = kept()
        fill(tmp_path / "lake" / "filler")
        done = pvtop_in_process(*MAKE, "--source", "source", "--output", "lake", "--top", "7")
        assert_as_on_the_page(done, DISK)
        assert kept() == before


def test_rollup_without_room_for_its_scratch_space_keeps_the_earlier_one(
    pvtop_in_process: Command, tmp_path: Path
) -> None:
    args = (*MAKE, "--source", "source", "--output", "lake", "--quiet")
    (tmp_path / "source").mkdir()
    write_day(tmp_path / "lake", DAY, VIEWS, missing=[9])
    assert pvtop_in_process(*args).returncode == 0
    before, dump = kept(), tmp_path / "source" / DAY.hours[9].dump_path
    dump.parent.mkdir(parents=True)
    dump.write_bytes(gzip.compress(b"en " + os.urandom(100_000).hex().encode() + b" 1 0\n"))
    with mounted_at(tmp_path / "small", "-t", "tmpfs", "-o", "size=300k", "tmpfs"):
        assert_as_on_the_page(pvtop_in_process(*args, "--cache-dir", "small"), ROOM)
    assert kept() == before
    assert pvtop_in_process(*args).returncode == 0
    assert kept() != before


@pytest.mark.parametrize(
    ("kind", "least"), [("seen", 2), pytest.param("any", 6, marks=pytest.mark.long)], ids=["seen by others", "any"]
)
def test_rollup_killed_before_any_file_change_is_completed_by_the_next(tmp_path: Path, kind: str, least: int) -> None:
    """Kill a run that replaces a rollup. Its result is that of a run that nothing disturbs."""
    (tmp_path / "source").mkdir()
    whole(tmp_path / "lake")
    run_rollup(PERIOD, Settings.load(source="source", blacklist="none", output="lake"))
    command = [sys.executable, "-m", "support.killed_rollup", DAY.iso, kind]
    path = os.pathsep.join(filter(None, [str(ROOT / "tests"), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= least
