"""The command `rollup`, and `show` of what it has made."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pvtop.core.errors import NotInLakeError
from support.days import DAY, Views, write_day
from support.samples import Command

LAKE = ("--output", "lake")
MAKE = ("rollup", "--source", "source", "--blacklist", "none", *LAKE)
AT = ("--day", DAY.iso)
VIEWS: Views = {
    ("en", "Climate"): {0: 1, 1: 2, 23: 3},
    ("en.m", "Climate"): {1: 4},
    ("en", "a\x1bb"): {3: 1},
    ("de", "Klima"): {7: 4},
    ("", "x"): {7: 1},
}


@pytest.fixture(autouse=True)
def _day_file(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    write_day(tmp_path / "lake", DAY, VIEWS, missing=[9, 10])


def test_rollup_names_its_files_and_missing_hours(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*MAKE, *AT)
    assert done.stdout.splitlines() == [
        "2024-12-30, views from 2024-12-30 00:00 to 2024-12-31 00:00 UTC: 4 domains, 5 entries with 16 views (made)",
        "2 hours missing: 2024-12-30T10 to 2024-12-30T11",
        "lake/rollups/day/top_pages/day=2024-12-30/top_pages.parquet",
        "lake/rollups/day/domains/day=2024-12-30/domains.parquet",
    ]
    assert pvtop_in_process(*MAKE, *AT).stdout.splitlines()[0].endswith("(unchanged)")


def test_rollup_asks_for_scratch_space_only_for_days_with_dumps(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*MAKE, "--start", "2024-12-30T01", "--end", "2025-01-01T00")
    assert (done.returncode, done.stderr) == (0, "")


def test_rollup_as_json(pvtop_in_process: Command) -> None:
    data = json.loads(pvtop_in_process(*MAKE, *AT, "--merge-access", "--json").stdout)
    assert (data["first"], data["last"]) == ("2024-12-30T01", "2024-12-31T00")
    assert (data["start"], data["end"]) == ("2024-12-30T00:00:00Z", "2024-12-31T00:00:00Z")
    assert (data["merged"], data["state"], data["missing_hours"]) == (True, "made", ["2024-12-30T10", "2024-12-30T11"])
    assert data["provenance"]["dumps"]["2024-12-30T10"] == "missing"
    assert data["files"]["top_pages"] == "lake/rollups_merged/day/top_pages/day=2024-12-30/top_pages.parquet"


def test_rollup_as_csv(pvtop_in_process: Command) -> None:
    rows = list(csv.reader(pvtop_in_process(*MAKE, *AT, "--merge-access", "--csv").stdout.splitlines()))
    assert rows[0] == ["first", "last", "domain_code", "rank", "page_title", "views", "mobile_views"]
    assert rows[1] == ["2024-12-30T01", "2024-12-31T00", "", "1", "x", "1", ""]
    assert rows[3] == ["2024-12-30T01", "2024-12-31T00", "en", "1", "Climate", "10", "4"]


def test_strict_rollup_with_missing_hours_exits_with_3(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*MAKE, *AT, "--strict")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines() == [
        "pvtop: 2 of 24 hours of 2024-12-30 are missing: 2024-12-30T10 to 2024-12-30T11",
        "  leave out --strict to add up the others",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "no hours are given"),
        (("--day", "2024-12-30", "--month", "2024-12"), "--day cannot be combined with --month"),
        (
            ("--day", "2024-12-30", "--start", "2024-12-30"),
            "--day and --month cannot be combined with --start or --end",
        ),
        (("--end", "2024-12-30"), "--end needs --start"),
        (("--day", "2024-12-32"), "2024-12-32 does not exist"),
        (("--month", "2024-13"), "2024-13 does not exist"),
        (("--start", "2024-12-30T05", "--end", "2024-12-30T04"), "is before"),
    ],
)
def test_wrong_hours_are_refused(pvtop_in_process: Command, options: tuple[str, ...], message: str) -> None:
    done = pvtop_in_process(*MAKE, *options)
    assert done.returncode == 2
    assert message in done.stderr


def test_show_a_rollup(pvtop_in_process: Command) -> None:
    pvtop_in_process(*MAKE, *AT)
    shown = pvtop_in_process("show", *LAKE, *AT, "--domain", "en").stdout.splitlines()
    assert shown[:2] == [
        "2024-12-30, views from 2024-12-30 00:00 to 2024-12-31 00:00 UTC",
        "2 hours missing: 2024-12-30T10 to 2024-12-30T11",
    ]
    assert shown[3] == "en  en.wikipedia.org  desktop"
    assert [line.split()[0:2] + line.split()[-1:] for line in shown[4:]] == [
        ["1", "6", "Climate"],
        ["2", "1", r"a\x1bb"],
    ]


def test_show_a_merged_rollup_with_the_share_of_mobile(pvtop_in_process: Command) -> None:
    pvtop_in_process(*MAKE, *AT, "--merge-access")
    shown = pvtop_in_process("show", *LAKE, *AT, "--merge-access", "--domain", 'en,""').stdout.splitlines()
    assert "A percentage is the share of mobile and zero." in shown[1]
    assert shown[4] == "en  en.wikipedia.org"
    assert shown[5].split()[:3] == ["1", "10", "40%"]
    assert shown[9].split()[:2] == ["1", "1"]
    assert "%" not in shown[9]


def test_show_a_rollup_as_json_and_csv(pvtop_in_process: Command) -> None:
    pvtop_in_process(*MAKE, *AT, "--merge-access")
    show = ("show", *LAKE, *AT, "--merge-access", "--domain", "en", "-n", "1")
    data = json.loads(pvtop_in_process(*show, "--json").stdout)
    assert (data["first"], data["last"], data["missing_hours"]) == (
        "2024-12-30T01", "2024-12-31T00", ["2024-12-30T10", "2024-12-30T11"],
    )  # fmt: skip
    assert data["domains"] == [
        {"domain_code": "en", "pages": [{"rank": 1, "views": 10, "page_title": "Climate", "mobile_views": 4}]}
    ]
    assert pvtop_in_process(*show, "--csv").stdout.splitlines() == [
        "first,last,domain_code,rank,page_title,views,mobile_views",
        "2024-12-30T01,2024-12-31T00,en,1,Climate,10,4",
    ]


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (("--day", "2024-12-29"), "pvtop rollup --day 2024-12-29"),
        (("--day", "2024-12-29", "--merge-access"), "pvtop rollup --day 2024-12-29 --merge-access"),
        (("--month", "2024-11"), "pvtop rollup --month 2024-11"),
        (("--start", "2024-11-01T01", "--end", "2024-12-01T00"), "pvtop rollup --month 2024-11"),
        (
            ("--start", "2024-11-01", "--end", "2024-11-02T05"),
            "pvtop rollup --start 2024-11-01T00 --end 2024-11-02T05",
        ),
    ],
)
def test_show_names_the_command_that_makes_the_rollup(
    pvtop_in_process: Command, options: tuple[str, ...], command: str
) -> None:
    done = pvtop_in_process("show", *LAKE, *options)
    assert done.returncode == NotInLakeError.exit_code
    assert done.stderr.splitlines()[1] == f"  make it: {command}, or name another lake with --output"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--merge-access",), "--merge-access needs many hours"),
        (("--date", "2024-12-30", "--day", "2024-12-30"), "an hour cannot be combined with a day"),
        (("--hour", "5", "--month", "2024-12"), "an hour cannot be combined with a day"),
    ],
)
def test_show_refuses_an_hour_and_a_rollup_at_once(
    pvtop_in_process: Command, options: tuple[str, ...], message: str
) -> None:
    done = pvtop_in_process("show", *LAKE, *options)
    assert done.returncode == 2
    assert message in done.stderr


def test_show_refuses_a_damaged_rollup(pvtop_in_process: Command) -> None:
    pvtop_in_process(*MAKE, *AT)
    Path("lake/rollups/day/domains/day=2024-12-30/domains.parquet").write_bytes(b"PAR1")
    done = pvtop_in_process("show", *LAKE, *AT)
    assert done.returncode == 1
    assert "domains.parquet" in done.stderr
    assert "pvtop rollup with the same hours and --force" in done.stderr
    assert pvtop_in_process(*MAKE, *AT).stdout.splitlines()[0].endswith("(made)")
    assert pvtop_in_process("show", *LAKE, *AT).returncode == 0
