"""The command `movers`, and what it shares with `spikes`."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest

from pvtop.cli.movers import parse_days
from pvtop.core.day import Day
from pvtop.core.errors import UsageError
from support.days import write_day
from support.samples import Command
from support.terminal import on_terminal

DAY = Day(date(2024, 12, 30))
BEFORE = {("en", "Comet"): {5: 20}, ("de.m", "Komet"): {5: 100}}
VIEWS = {
    ("en", "Comet"): {7: 400, 8: 500},
    ("en.m", "Comet"): {8: 100},
    ("de", "Komet"): {9: 5_000},
    ("such.code", "Neu"): {1: 700},
}
FIND = ("movers", "--blacklist", "none", "--output", "lake")


@pytest.fixture(autouse=True)
def _lake(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY + -1, BEFORE, missing=[3, 4])
    write_day(tmp_path / "lake", DAY, VIEWS)


def test_movers_shows_the_numbers_of_each_page(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*FIND, "--against", "1d")
    head, floors, note, blank, header, *pages = done.stdout.splitlines()
    assert (done.returncode, done.stderr, blank) == (0, "", "")
    assert head == "2024-12-30 UTC, 24 hours, against the 1 day before, 22 hours"
    assert floors == "Pages with at least 500 views, and at least 2 times their earlier level"
    assert note == "Note: 2 hours without data: 2024-12-29T04 to 2024-12-29T05"
    assert header.split() == ["rank", "score", "views", "earlier", "ratio", "mobile", "days", "page"]
    assert [page.split() for page in pages] == [
        ["1", "5,669", "5,000", "109", "45.8x", "0", "%", "▂█", "de:Komet"],
        ["2", "1,134", "1,000", "22", "45.8x", "10", "%", "▂█", "en:Comet"],
        ["3", "911", "700", "0", "new", "-", "▁█", "such.code:Neu"],
    ]


def test_movers_defaults_to_the_newest_day_and_a_week_and_names_days_without_a_file(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*FIND)
    assert done.stdout.startswith("2024-12-30 UTC")
    assert done.stderr == (
        "warning: earlier days without a day file are skipped: 2024-12-23 to 2024-12-28; "
        "to make them: pvtop days build --start 2024-12-23 --end 2024-12-28\n"
    )


def test_movers_as_json(pvtop_in_process: Command) -> None:
    found = json.loads(pvtop_in_process(*FIND, "--against", "2d", "--json").stdout)
    pages = found.pop("pages")
    assert found == {
        "day": "2024-12-30",
        "start": "2024-12-30T00:00:00Z",
        "end": "2024-12-31T00:00:00Z",
        "hours_with_data": 24,
        "earlier_days": ["2024-12-29"],
        "earlier_hours_with_data": 22,
        "days_without_file": ["2024-12-28"],
        "hours_without_data": ["2024-12-29T04", "2024-12-29T05"],
        "min_views": 500,
        "min_ratio": 2.0,
        "notes": ["2 hours without data: 2024-12-29T04 to 2024-12-29T05"],
    }
    assert [page["page_title"] for page in pages] == ["Komet", "Comet", "Neu"]
    assert pages[0]["daily_views"] == [None, 100, 5_000]
    assert (pages[2]["ratio"], pages[2]["mobile_views"]) == (None, None)


def test_movers_as_csv(pvtop_in_process: Command) -> None:
    rows = list(csv.DictReader(io.StringIO(pvtop_in_process(*FIND, "--against", "1d", "--csv").stdout)))
    assert [row["page_title"] for row in rows] == ["Komet", "Comet", "Neu"]
    assert (rows[0]["day"], rows[0]["domain_code"], rows[0]["views"]) == ("2024-12-30", "de", "5000")
    assert (rows[2]["ratio"], rows[2]["mobile_views"]) == ("", "")


@pytest.mark.parametrize(
    ("names", "pages"),
    [
        ("en", ["en:Comet"]),
        ("en.m.wikipedia.org,de", ["en:Comet", "de:Komet"]),
        ("*.m", ["en:Comet"]),
        ("de.wikipedia.org,e*", ["de:Komet", "en:Comet"]),
    ],
)
@pytest.mark.parametrize("command", ["movers", "spikes"])
def test_domain_means_a_wiki_with_all_its_sites(
    pvtop_in_process: Command, command: str, names: str, pages: list[str]
) -> None:
    floor = ("--against", "1d") if command == "movers" else ("--min-peak-share", "0.1")
    shown = pvtop_in_process(command, *FIND[1:], *floor, "--domain", names).stdout
    assert [line.split()[-1] for line in shown.splitlines() if ":" in line.split(" ")[-1]] == pages


@pytest.mark.parametrize("command", ["movers", "spikes"])
def test_domain_that_the_day_lacks_is_wrong_usage(pvtop_in_process: Command, command: str) -> None:
    done = pvtop_in_process(command, *FIND[1:], "--domain", "eng")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pvtop: 2024-12-30 has no domain 'eng'\n  similar domains are 'en'\n"


@pytest.mark.parametrize("command", ["movers", "spikes"])
@pytest.mark.parametrize("domain", [(), ("--domain", "en")])
def test_day_without_a_day_file_exits_with_3(pvtop_in_process: Command, command: str, domain: tuple[str, ...]) -> None:
    done = pvtop_in_process(command, *FIND[1:], "--day", "2024-12-31", *domain)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines()[-2:] == [
        "pvtop: the lake lake/ has no day file of 2024-12-31",
        "  make it: pvtop days build --start 2024-12-31 --end 2024-12-31",
    ]


def test_movers_without_any_earlier_day_exit_with_3(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*FIND, "--day", "2024-12-29", "--against", "3d", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"] == {
        "type": "NoDayFilesError",
        "message": "the lake lake/ has no day file of 2024-12-26 to 2024-12-28",
        "hint": "make them: pvtop days build --start 2024-12-26 --end 2024-12-28",
        "exit_code": 3,
    }


@pytest.mark.parametrize("command", ["movers", "spikes"])
def test_lake_without_day_files_exits_with_3(pvtop_in_process: Command, command: str) -> None:
    done = pvtop_in_process(command, "--output", "empty")
    assert done.returncode == 3
    assert done.stderr == "pvtop: the lake empty/ has no day files\n  make them: pvtop days build --last 8\n"


@pytest.mark.parametrize("command", ["movers", "spikes"])
def test_floors_that_no_page_reaches_are_named(pvtop_in_process: Command, command: str) -> None:
    done = pvtop_in_process(command, *FIND[1:], "--min-views", "9999")
    assert done.returncode == 0
    assert "Pages with at least 9,999 views" in done.stdout
    assert "lower --min-views or --min-" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("text", ["7", "d", "-1d", "1.5d", "7h", "", "٧d"])
def test_against_takes_only_days(text: str) -> None:
    with pytest.raises(UsageError, match="is not a number of days"):
        parse_days(text)


@pytest.mark.parametrize("days", ["0d", "32d"])
def test_against_has_a_limit(pvtop_in_process: Command, days: str) -> None:
    done = pvtop_in_process(*FIND, "--against", days)
    assert (done.returncode, done.stderr) == (2, f"pvtop: --against is {days}\n  give 1d to 31d\n")


def test_known_issue_of_any_of_the_days_is_noted(pvtop_in_process: Command, tmp_path: Path) -> None:
    for text in ("2025-02-27", "2025-02-28", "2025-03-01"):
        write_day(tmp_path / "lake", Day.parse(text), VIEWS)
    shown = pvtop_in_process(*FIND, "--day", "2025-03-01", "--against", "2d").stdout
    assert "Note: bots that were not told from users have raised the views (2025-03-01 to 2025-08-31)" in shown
    assert "Note" not in pvtop_in_process(*FIND, "--day", "2025-02-28", "--against", "1d").stdout


def test_page_is_a_link_on_a_terminal_and_its_line_is_cut() -> None:
    shown = on_terminal(*FIND, "--against", "1d", columns=72, stdout=True)
    assert "https://de.wikipedia.org/wiki/Komet" in shown.raw
    assert max(map(len, shown.lines)) <= 72
    assert any(line.startswith("   1") and line.endswith("…") for line in shown.lines)
