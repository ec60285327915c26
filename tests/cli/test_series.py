"""The command `series`."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.days import DAY, write_day
from support.samples import Command
from support.terminal import on_terminal

WHOLE = ("--start", "2024-12-30T01", "--end", "2024-12-31T00")
BOTH = ("--start", "2024-12-30T01", "--end", "2025-01-01T00")
LAKE = ("--output", "lake", "--source", "source")
EVERY_HOUR = {hour: 100 * (hour + 1) for hour in range(24) if hour not in {5, 6}}


@pytest.fixture(autouse=True)
def _two_days() -> None:
    """Make a lake of two days. The first lacks the hours that begin at 5 and 6."""
    Path("source").mkdir()
    pages = {("en", "Climate"): EVERY_HOUR, ("en.m", "Climate"): {3: 7}, ("de", 'Talk:\x1b[1m"Rom"'): {0: 1, 23: 5}}
    write_day(Path("lake"), DAY, pages, missing=[5, 6])
    write_day(Path("lake"), DAY + 1, {("en", "Climate"): {12: 4}, ("en.d", "climate"): {12: 1}})


def rows(stdout: str) -> list[dict[str, str]]:
    return list(csv.DictReader(stdout.splitlines()))


def test_series_as_csv_has_a_row_for_each_hour(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("series", *LAKE, "en:Climate", "en.m:Climate", *WHOLE, "--csv")
    assert done.stdout.startswith("start,domain_code,page_title,views\n2024-12-30T00:00:00Z,en,Climate,100\n")
    found = rows(done.stdout)
    starts = [f"2024-12-30T{hour:02}:00:00Z" for hour in range(24)]
    assert [row["start"] for row in found] == 2 * starts
    wanted = [str(EVERY_HOUR.get(hour, "")) for hour in range(24)]
    assert [row["views"] for row in found[:24]] == wanted
    assert [row["views"] for row in found[24:]] == [
        "7" if hour == 3 else count and "0" for hour, count in enumerate(wanted)
    ]
    assert done.stderr == "warning: 2 hours without data: 2024-12-30T06 to 2024-12-30T07\n"


def test_series_as_json_has_the_same_rows(pvtop_in_process: Command) -> None:
    args = ("series", *LAKE, "en.m:Climate", *WHOLE, "--merge-access")
    data = json.loads(pvtop_in_process(*args, "--json").stdout)
    assert {name: data[name] for name in data if name != "rows"} == {
        "start": "2024-12-30T00:00:00Z", "end": "2024-12-31T00:00:00Z", "by": "hour", "notes": [],
        "hours_without_data": ["2024-12-30T06", "2024-12-30T07"],
    }  # fmt: skip
    texts = [{name: "" if value is None else str(value) for name, value in row.items()} for row in data["rows"]]
    assert texts == rows(pvtop_in_process(*args, "--csv").stdout)
    assert data["rows"][3] == {
        "start": "2024-12-30T03:00:00Z", "domain_code": "en", "page_title": "Climate",
        "views": 407, "mobile_views": 7,
    }  # fmt: skip


def test_series_shows_a_total_a_sparkline_and_a_table(pvtop_in_process: Command) -> None:
    head, blank, heading, total, line, *table = pvtop_in_process(
        "series", *LAKE, "en:Climate", *WHOLE
    ).stdout.splitlines()
    assert (head, blank) == ("Views from 2024-12-30 00:00 to 2024-12-31 00:00 UTC, by hour", "")
    assert heading == "en  en.wikipedia.org  desktop  Climate"
    assert total == "  28,700 views, most 2,400 from 23:00 to 00:00 UTC on 2024-12-30"
    assert (line[:8], line[-1], len(line)) == ("  ▂▂▂▃▃ ", "█", 26)
    assert [row.split() for row in table[4:7]] == [
        ["2024-12-30", "04:00", "500"], ["2024-12-30", "05:00", "no", "data"], ["2024-12-30", "06:00", "no", "data"]
    ]  # fmt: skip
    assert len(table) == 24


def test_series_by_day_names_days_that_are_not_whole(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(
        "series",
        *LAKE,
        "en:Climate",
        "--start",
        "2024-12-30",
        "--end",
        "2024-12-31T12",
        "--by",
        "day",
        "--merge-access",
    )
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()[-3:]] == [
        ["2024-12-29", "no", "data"],
        ["2024-12-30", "28,707", "7", "mobile", "22", "of", "24", "hours"],
        ["2024-12-31", "0", "0", "mobile", "12", "of", "24", "hours"],
    ]
    assert "en  en.wikipedia.org  desktop, mobile and zero  Climate" in done.stdout
    assert "28,707 views, 7 of them mobile, most 28,707 on 2024-12-30" in done.stdout
    told = "the range has only some hours of 2024-12-29 and 2024-12-31; a stamp is the END of an hour"
    assert told in done.stderr


def test_default_is_the_last_days_in_the_lake(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("series", *LAKE, "en:Climate", "--by", "day", "--csv")
    assert [(row["start"], row["views"]) for row in rows(done.stdout)] == [
        ("2024-12-30T00:00:00Z", "28700"), ("2024-12-31T00:00:00Z", "4")
    ]  # fmt: skip
    assert "these are the last days in the lake: 2024-12-30 00:00 to 2025-01-01 00:00 UTC\n" in done.stderr


def test_day_is_the_same_as_its_24_stamps(pvtop_in_process: Command) -> None:
    args = ("series", *LAKE, "en:Climate", "--json")
    assert pvtop_in_process(*args, "--day", DAY.iso).stdout == pvtop_in_process(*args, *WHOLE).stdout


def test_month_is_all_its_utc_days(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("series", *LAKE, "en:Climate", "--month", "2024-12", "--by", "day", "--csv")
    found = rows(done.stdout)
    assert [row["start"][:10] for row in found] == [f"2024-12-{day:02}" for day in range(1, 32)]
    assert [row["views"] for row in found[-3:]] == ["", "28700", "4"]


def test_many_pages_have_a_line_each(pvtop_in_process: Command) -> None:
    Path("pages.txt").write_text("".join(f"en:Page_{number}\n" for number in range(20)) + "en:Climate\n")
    done = pvtop_in_process("series", *LAKE, "--from", "pages.txt", *BOTH)
    columns, *lines = done.stdout.splitlines()[2:]
    assert columns.split() == ["views", "most", "in", "a", "hour", "page"]
    assert [line.split()[-1] for line in lines] == [*(f"en:Page_{number}" for number in range(20)), "en:Climate"]
    assert lines[-1].split()[:2] == ["28,704", "2,400"]
    assert done.stderr.endswith("warning: 15 more pages have no views in the period\n")


def test_long_series_is_drawn_in_the_width_of_the_terminal() -> None:
    Path("pages.txt").write_text("en:Climate\n")
    seen = on_terminal("series", *LAKE, "--from", "pages.txt", *BOTH, columns=36, stdout=True)
    assert seen.returncode == 0
    *_, heading, total, line = seen.lines
    assert (len(heading), heading[-1], len(total), len(line)) == (36, "…", 36, 36)


def test_titles_are_escaped(pvtop_in_process: Command) -> None:
    args = ("series", *LAKE, 'de:Talk:\x1b[1m"Rom"', *WHOLE)
    for form in ((), ("--csv",), ("--json",)):
        assert "\x1b" not in pvtop_in_process(*args, *form).stdout
    data = json.loads(pvtop_in_process(*args, "--json").stdout)
    assert sum(row["views"] or 0 for row in data["rows"]) == 6
    assert data["rows"][0]["page_title"] == 'Talk:\x1b[1m"Rom"'
    titles = {row["page_title"] for row in rows(pvtop_in_process(*args, "--csv").stdout)}
    assert titles == {r'Talk:\x1b[1m"Rom"'}


def test_series_draws_ascii_if_stdout_is_not_utf8(pvtop_process: Command) -> None:
    shown = pvtop_process("series", *LAKE, "en:Climate", *WHOLE, PYTHONIOENCODING="ascii").stdout
    assert shown.isascii()
    assert "  ...::  -" in shown


@pytest.mark.parametrize(
    ("page", "advice"),
    [
        ("en:climate", "did you mean en:Climate?"),
        ("en:Clim%61te", "only addresses are percent-decoded: did you mean en:Climate?"),
        ("xx-:Climate", "'xx-' is not a known domain code"),
        ("en.d:nothing", "check the spelling: capital and small letters differ"),
        (":Nothing", "check the spelling: capital and small letters differ"),
    ],
)
def test_page_without_views_gets_advice(pvtop_in_process: Command, page: str, advice: str) -> None:
    done = pvtop_in_process("series", *LAKE, page, *BOTH, "--by", "day", "--csv")
    assert done.returncode == 0
    assert [row["views"] for row in rows(done.stdout)] == ["0", "0"]
    assert f"has no views in the period; {advice}\n" in done.stderr


def test_page_without_views_has_neither_a_sparkline_nor_a_table(pvtop_in_process: Command) -> None:
    *_, heading, total = pvtop_in_process("series", *LAKE, "en:Nothing", *WHOLE).stdout.splitlines()
    assert (heading, total) == ("en  en.wikipedia.org  desktop  Nothing", "  0 views")


def test_days_without_a_file_name_the_command_that_makes_them(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("series", *LAKE, "en:Climate", "--start", "2024-12-28", "--end", "2024-12-31")
    advice = "to make it fast: pvtop days build --start 2024-12-27 --end 2024-12-29\n"
    assert done.stderr.startswith("3 days without a day file, so the dumps on this machine were read; " + advice)
    assert (
        "warning: 51 hours without data: 2024-12-28T00 to 2024-12-30T00, 2024-12-30T06 to 2024-12-30T07" in done.stderr
    )


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("en:Climate", "--start", "2024-01-01", "--end", "2024-01-02"), 3, "none of its dumps is on this machine"),
        (("en:Climate", "--end", "2024-01-02"), 2, "--end needs --start"),
        (("en:Climate", "--day", "2024-12-32"), 2, "2024-12-32 does not exist"),
        (("en:Climate", "--month", "2024-13"), 2, "2024-13 does not exist"),
        (("en:Climate", "--day", DAY.iso, "--month", "2024-12"), 2, "--day cannot be combined with --month"),
        (
            ("en:Climate", "--month", "2024-12", "--start", DAY.iso),
            2,
            "--day and --month cannot be combined with --start or --end",
        ),
        (("Climate",), 2, "'Climate' is not a page"),
        ((), 2, "no page is given"),
        (("en:Climate", "--by", "week"), 2, "week"),
    ],
)
def test_series_ends_with_the_exit_code_of_its_failure(
    pvtop_in_process: Command, args: Sequence[str], code: int, message: str
) -> None:
    done = pvtop_in_process("series", *LAKE, *args)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr


def test_quiet_series_prints_nothing(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("series", *LAKE, "en:nothing", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
