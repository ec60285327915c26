"""The commands below `days`."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
from pathlib import Path

import polars as pl
import pytest

from pvtop.core.day import Day
from pvtop.lake.day_writer import write_day_file
from pvtop.lake.layout import day_path
from pvtop.transform.schemas import DAY_PAGES
from support.days import DAY, Views, day_pages, day_provenance, write_day
from support.disks import mounted_at
from support.pages import failure_modes
from support.samples import SOURCE, Command, WriteDump

ARGS = ("--source", SOURCE, "--output", "lake")
SAMPLE_DAY = Day.parse("2024-12-31")
VIEWS: Views = {("de", "Klima"): {0: 7, 23: 1}, ("en", "Climate"): {1: 2}}


@pytest.fixture
def broken(tmp_path: Path) -> tuple[str, ...]:
    """Write a source with a malformed dump. Return the arguments for it."""
    path = tmp_path / "broken" / DAY.hours[3].dump_path
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(b"en\n"))
    return ("--source", str(tmp_path / "broken"), "--output", "lake")


def test_build_lists_and_verifies_the_day(pvtop_in_process: Command) -> None:
    announced = pvtop_in_process("days", "build", *ARGS, "--start", "2024-12-31", "--dry-run")
    assert (announced.returncode, announced.stdout) == (0, "1 day to make: not in the lake (2024-12-31)\n")
    assert not Path("lake").exists()
    made = json.loads(pvtop_in_process("days", "build", *ARGS, "--start", "2024-12-31", "--json").stdout)
    assert [(one["day"], one["state"], one["missing_hours"]) for one in made] == [("2024-12-31", "made", [])]
    again = pvtop_in_process("days", "build", *ARGS, "--start", "2024-12-31")
    assert again.stdout.splitlines()[-1] == "1 day: 1 unchanged"
    (listed,) = json.loads(pvtop_in_process("days", "ls", "--output", "lake", "--json").stdout)
    assert (listed["pages"], listed["views"]) == (made[0]["pages"], made[0]["views"])
    assert pvtop_in_process("days", "verify", "--output", "lake").stdout == "1 day: 1 valid, 0 damaged\n"
    assert not [path for path in Path("cache", "scratch").rglob("*") if path.exists()]


def test_days_that_are_not_published_are_one_line_of_the_plan_the_log_and_the_result(
    pvtop_in_process: Command, write_dump: WriteDump
) -> None:
    write_dump("en A 1 0\n", DAY.hours[5])
    args = ("days", "build", "--source", "source", *ARGS[2:], "--start", f"{DAY + -27}", "--end", f"{DAY + 2}")
    before, after = "27 days not published: 2024-12-03 to 2024-12-29", "2 days not published: 2024-12-31 to 2025-01-01"
    planned = pvtop_in_process(*args, "--dry-run").stdout.splitlines()
    assert planned == [before, "1 day to make: not in the lake (2024-12-30)", after]
    done = pvtop_in_process(*args)
    assert [line for line in done.stderr.splitlines() if "not published" in line] == [before, after]
    made = "2024-12-30  made: 1 page, 1 view, 23 hours missing"
    assert done.stdout.splitlines() == [before, made, after, "30 days: 1 made, 29 not published"]


def test_build_makes_the_newest_whole_day_by_default(pvtop_in_process: Command) -> None:
    data = json.loads(pvtop_in_process("days", "build", *ARGS, "--dry-run", "--json").stdout)
    assert [one["day"] for one in data] == ["2024-12-31"]
    data = json.loads(pvtop_in_process("days", "build", *ARGS, "--last", "2", "--dry-run", "--json").stdout)
    assert [one["day"] for one in data] == ["2024-12-30", "2024-12-31"]


@pytest.mark.parametrize(
    ("args", "exit_code", "message"),
    [
        (("build", "--start", "2024-12-32"), 2, "2024-12-32"),
        (("build", "--start", "2024-12-31", "--end", "2024-12-30"), 2, "2024-12-30 is before 2024-12-31"),
        (("build", "--end", "2024-12-30"), 2, "--end needs --start"),
        (("build", "--start", "2024-12-31", "--last", "2"), 2, "--last cannot be combined with --start or --end"),
        (("build", "--start", "2024-01-01", "--source", str(SOURCE)), 3, "none of the days is published"),
        (("ls",), 3, "has no day file"),
        (("ls", "--start", "2024-12-31"), 3, "has no day file from 2024-12-31 to 2024-12-31"),
        (("verify",), 3, "has no day file"),
    ],
)
def test_days_refuses_wrong_usage_and_missing_days(
    pvtop_in_process: Command, args: tuple[str, ...], exit_code: int, message: str
) -> None:
    done = pvtop_in_process("days", *args, "--output", "lake")
    assert done.returncode == exit_code
    assert message in done.stderr


def test_only_day_that_fails_has_the_exit_code_of_its_dump(pvtop_in_process: Command, broken: tuple[str, ...]) -> None:
    done = pvtop_in_process("days", "build", *broken, "--start", DAY.iso)
    assert done.returncode == 5
    assert "are malformed, such as 'en'" in done.stderr
    assert "PVTOP_MALFORMED_LIMIT" in done.stderr


def test_failed_day_does_not_stop_the_others(pvtop_in_process: Command, broken: tuple[str, ...]) -> None:
    other = Path(broken[1], (DAY + 1).hours[3].dump_path)
    other.write_bytes(gzip.compress(b"en A 1 0\n"))
    done = pvtop_in_process("days", "build", *broken, "--start", DAY.iso, "--end", (DAY + 1).iso, "--json")
    assert (done.returncode, [one["state"] for one in json.loads(done.stdout)]) == (4, ["failed", "made"])
    assert "1 of 2 days failed" in done.stderr


def test_ls_shows_damaged_day_files(pvtop_in_process: Command) -> None:
    write_day(Path("lake"), DAY, VIEWS, missing=[5])
    write_day(Path("lake"), DAY + 1, VIEWS).write_bytes(b"garbage")
    assert pvtop_in_process("days", "ls", "--output", "lake").stdout.splitlines() == [
        "2024-12-30  2 pages, 10 views, 1 hour missing",
        "2024-12-31  damaged, or made by another version",
    ]
    rows = pvtop_in_process("days", "ls", "--output", "lake", "--csv").stdout.splitlines()
    assert rows == [
        "day,pages,views,domains,missing_hours",
        f"2024-12-30,2,10,2,{DAY.hours[5].iso}",
        "2024-12-31,,,,",
    ]


def test_ls_and_verify_take_a_range(pvtop_in_process: Command) -> None:
    for day in range(3):
        write_day(Path("lake"), DAY + day, VIEWS)
    listed = pvtop_in_process(
        "days", "ls", "--output", "lake", "--start", "2024-12-31", "--end", "2025-01-05", "--json"
    )
    assert [one["day"] for one in json.loads(listed.stdout)] == ["2024-12-31", "2025-01-01"]
    verified = pvtop_in_process("days", "verify", "--output", "lake", "--start", "2024-12-31", "--json")
    assert json.loads(verified.stdout) == [{"day": "2024-12-31", "faults": []}]


RIGHT = day_pages(VIEWS)
UINT8 = pl.List(pl.UInt8)
FAULTS: dict[str, pl.DataFrame] = {
    "its pages are not in order": RIGHT.reverse(),
    "a page has other hours than counts": RIGHT.with_columns(start_hours=pl.lit([3], UINT8)),
    "a page has no hours": RIGHT.with_columns(start_hours=pl.lit([], UINT8)),
    "the hours of a page do not ascend": RIGHT.with_columns(start_hours=pl.col("start_hours").list.reverse()),
    "an hour is beyond the day": RIGHT.with_columns(start_hours=pl.lit([24], UINT8)),
    "a count is negative": RIGHT.with_columns(counts=pl.lit([-1], pl.List(pl.Int64))),
    "the counts of a page do not add up to its views": RIGHT.with_columns(pl.col("views") + 1),
    "a page has views in an hour that was missing": day_pages({**VIEWS, ("fr", "A"): {5: 1}}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_verify_names_each_fault(pvtop_in_process: Command, fault: str) -> None:
    path = Path("lake", day_path(DAY))
    path.parent.mkdir(parents=True)
    pages = FAULTS[fault].select(DAY_PAGES.names())
    write_day_file(path, [pages], lambda totals: day_provenance(DAY, totals, missing=[5]))
    done = pvtop_in_process("days", "verify", "--output", "lake")
    assert done.returncode == 5
    assert f"2024-12-30  {fault}" in done.stdout.splitlines()
    assert f"pvtop days build --start {DAY} --end {DAY} --force" in done.stderr


def test_verify_names_counts_that_differ_from_the_provenance(pvtop_in_process: Command) -> None:
    path = Path("lake", day_path(DAY))
    path.parent.mkdir(parents=True)

    def wrong(_: object) -> object:
        from pvtop.lake.day_writer import Totals

        totals = Totals()
        totals.add(RIGHT.with_columns(pl.col("views") + 1))
        return day_provenance(DAY, totals)

    write_day_file(path, [RIGHT], wrong)  # type: ignore[arg-type]
    done = pvtop_in_process("days", "verify", "--output", "lake")
    assert (done.returncode, done.stdout.splitlines()[0]) == (5, "2024-12-30  its counts differ from its provenance")


def test_verify_names_the_commands_for_all_damaged_days(pvtop_in_process: Command) -> None:
    """Metadata is damaged on days 0, 1 and 3; the pages on days 2, 5, 7, 9, 11, 13 and 14. Day 15 is valid."""
    damaged_within = (2, 5, 7, 9, 11, 13, 14)
    for number in (0, 1, 3, *damaged_within, 15):
        path = write_day(Path("lake"), DAY + number, VIEWS)
        if number in damaged_within:
            content = bytearray(path.read_bytes())
            content[60] ^= 255
            path.write_bytes(content)
        elif number != 15:
            path.write_bytes(b"garbage")
    done = pvtop_in_process("days", "verify", "--output", "lake")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (5, "11 days: 1 valid, 10 damaged")
    message, hint = done.stderr.splitlines()
    first = "2024-12-30 to 2025-01-02, 2025-01-04, 2025-01-06, 2025-01-08, 2025-01-10"
    assert message == f"pvtop: damaged day files: {first}, and 1 more such period"
    build = "pvtop days build --start"
    assert hint == "  make them again: " + "; ".join(
        [
            f"{build} 2024-12-30 --end 2024-12-31",
            f"{build} 2025-01-02 --end 2025-01-02",
            f"{build} 2025-01-01 --end 2025-01-01 --force",
            f"{build} 2025-01-04 --end 2025-01-04 --force",
            f"{build} 2025-01-06 --end 2025-01-06 --force",
            f"{build} 2025-01-08 --end 2025-01-08 --force",
            f"{build} 2025-01-10 --end 2025-01-10 --force",
            f"{build} 2025-01-12 --end 2025-01-13 --force",
        ]
    )


def test_days_that_may_lose_hours_fail_and_name_the_force_option(pvtop_in_process: Command, tmp_path: Path) -> None:
    publish(tmp_path, gzip.compress(SMALL))
    for day in (DAY, DAY + 1):
        write_day(Path("lake"), day, VIEWS).write_bytes(b"garbage")
    (tmp_path / "source" / (DAY + 1).hours[3].dump_path).write_bytes(gzip.compress(SMALL))
    args = ("--source", str(tmp_path / "source"), "--output", "lake")
    reason = "damaged, or made by another version, and the dumps of 23 hours are gone or not published"
    build = ("days", "build", *args, "--start", DAY.iso, "--end", (DAY + 1).iso)
    planned = pvtop_in_process(*build, "--dry-run")
    assert planned.stdout == f"2 days cannot be made: {reason} (2024-12-30 to 2024-12-31)\n"
    hours = ("--start", DAY.hours[0].iso, "--end", (DAY + 1).hours[-1].iso)
    batch = ("batch", *args, "--blacklist", "none", "--days", *hours)
    announced = json.loads(pvtop_in_process(*build, "--dry-run", "--json").stdout)
    assert {(one["action"], one["reason"], len(one["missing_hours"])) for one in announced} == {("none", reason, 23)}
    for command in (build, batch):
        done = pvtop_in_process(*command, "--json")
        assert (done.returncode, done.stderr.splitlines()[-1].strip()) == (
            4,
            "the lake is unchanged; get the dumps; to make the day without them, use force (--force)",
        )
        data = json.loads(done.stdout)
        days = data if command is build else data["days"]
        assert {(one["state"], one["reason"], one["pages"]) for one in days} == {("failed", reason, None)}
    assert Path("lake", day_path(DAY)).read_bytes() == b"garbage"
    one_day = pvtop_in_process(*build[:-2])
    assert (one_day.returncode, reason in one_day.stderr, "(--force)" in one_day.stderr) == (5, True, True)
    forced = pvtop_in_process(*build, "--force")
    assert forced.stdout.splitlines()[-1] == "2 days: 2 made"


@pytest.mark.parametrize("place", [5, 60, -6])
def test_verify_finds_a_changed_byte(pvtop_in_process: Command, place: int) -> None:
    path = write_day(Path("lake"), DAY, {("en", os.urandom(9).hex()): {3: 1} for _ in range(500)})
    content = bytearray(path.read_bytes())
    content[place] ^= 255
    path.write_bytes(content)
    done = pvtop_in_process("days", "verify", "--output", "lake")
    assert done.returncode == 5, done.stdout


ROWS = {fault: cells for fault, *cells in failure_modes("A day file")}
SMALL = b"en A 1000 0\nen Z 9000 0\n"


def publish(folder: Path, dump: bytes, hour: int = 3) -> None:
    path = folder / "source" / DAY.hours[hour].dump_path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dump)


def cause(fault: str, folder: Path) -> dict[str, str]:
    """Cause a fault of a day that is in the lake. Return the environment for it."""
    match fault:
        case "malformed dump":
            publish(folder, gzip.compress(SMALL + b"en\n"))
        case "truncated dump":
            publish(folder, gzip.compress(SMALL)[:-9])
        case "page twice in a dump":
            publish(folder, gzip.compress(SMALL + b"en A 1 0\n"))
            return {"PVTOP_TOP": "1"}
        case "day much smaller than the one it replaces":
            publish(folder, gzip.compress(b"en A 1 0\n"))
        case "dump of an outdated day is gone":
            (folder / "source" / DAY.hours[3].dump_path).unlink()
            publish(folder, gzip.compress(SMALL), 7)
        case "damaged day file" | "damaged day file, and a dump is gone":
            Path("lake", day_path(DAY)).write_bytes(b"garbage")
        case "no room for scratch space":
            publish(folder, gzip.compress(SMALL + b"en " + os.urandom(400_000).hex().encode() + b" 1 0\n"))
        case "none of the hours published":
            Path("lake", day_path(DAY)).unlink()
            (folder / "source" / DAY.hours[3].dump_path).unlink()
    return {}


@pytest.mark.parametrize("fault", ROWS)
def test_fault_ends_as_the_failure_modes_page_says(pvtop_in_process: Command, tmp_path: Path, fault: str) -> None:
    exit_code, message, _ = ROWS[fault]
    args = ("days", "build", "--source", tmp_path / "source", "--output", "lake", "--start", DAY.iso, "-v")
    for hour in range(24) if fault == "damaged day file" else [3]:
        publish(tmp_path, gzip.compress(SMALL), hour)
    assert pvtop_in_process(*args).returncode == 0
    right, environment = Path("lake", day_path(DAY)).read_bytes(), cause(fault, tmp_path)
    if fault.endswith("and a dump is gone"):
        right = b"garbage"
    disk = ("-t", "tmpfs", "-o", "size=300k", "tmpfs") if fault == "no room for scratch space" else ()
    with mounted_at(tmp_path / "small", *disk) if disk else contextlib.nullcontext():
        place = {"PVTOP_CACHE_DIR": str(tmp_path / "small")} if disk else {}
        done = pvtop_in_process(*args, **environment, **place)
    assert str(done.returncode) == exit_code
    assert message.strip("`") in done.stdout + done.stderr
    if fault != "none of the hours published":
        assert Path("lake", day_path(DAY)).read_bytes() == right
