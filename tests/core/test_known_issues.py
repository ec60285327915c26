"""Known incidents: which hours they touch, and that their reports say so."""

from __future__ import annotations

import json

import pytest

from pvtop.core.hour import Hour, hour_range
from pvtop.core.known_issues import KNOWN_ISSUES, known_issues, notes_on
from pvtop.render.text import render_text
from support.reports import make_report
from support.samples import Command, WriteDump

LOST = "2 to 8 % of the views were lost (2021-06-04 to 2022-01-27)"
HOUR = Hour.parse("2022-01-28T00")


@pytest.mark.parametrize(
    ("stamp", "first"),
    [
        ("2016-07-01T00", None),
        ("2016-07-01T01", "2016-07-01"),
        ("2016-09-01T00", "2016-07-01"),
        ("2016-09-01T01", None),
        ("2020-04-15T12", "2020-04-01"),
        ("2020-05-01T01", None),
        ("2021-06-04T00", None),
        ("2021-06-04T01", "2021-06-04"),
        ("2022-01-28T00", "2021-06-04"),
        ("2022-01-28T01", None),
        ("2025-03-01T01", "2025-03-01"),
        ("2025-09-01T00", "2025-03-01"),
        ("2025-09-01T01", None),
    ],
)
def test_known_issue_applies_to_the_day_on_which_an_hour_began(stamp: str, first: str | None) -> None:
    assert [incident.first.isoformat() for incident in known_issues([Hour.parse(stamp)])] == [first] * bool(first)


def test_range_has_the_known_issues_of_all_its_hours() -> None:
    assert known_issues(hour_range(Hour.parse("2016-01-01T00"), Hour.parse("2026-01-01T00"))) == list(KNOWN_ISSUES)
    assert known_issues([]) == []


def test_text_report_names_known_issues() -> None:
    lines = render_text(make_report(hour=HOUR)).split("\n")
    assert lines[2].endswith("malformed lines")
    assert lines[3:5] == [f"Note: {LOST}", ""]
    assert "Note: " not in render_text(make_report(hour=HOUR + 1))


def test_commands_name_known_issues(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    for hour in (HOUR, HOUR + 1):
        write_dump("en A 1 0\n", hour)
    pvtop_in_process("batch", "--source", "source", "--blacklist", "none", "--output", "lake")
    assert json.loads(pvtop_in_process("show", "--output", "lake", "--json").stdout)["notes"] == []
    first = ("--output", "lake", "--date", "2022-01-28", "--hour", "0")
    assert pvtop_in_process("show", *first).stdout.splitlines()[1] == f"Note: {LOST}"
    assert json.loads(pvtop_in_process("show", *first, "--json").stdout)["notes"] == [LOST]
    status = ("status", "--source", "source", "--output", "lake", "--last", "2")
    assert f"Note: {LOST}" in pvtop_in_process(*status).stdout.splitlines()
    assert json.loads(pvtop_in_process(*status, "--json").stdout)["notes"] == [LOST]


def test_notes_on_a_result_name_known_issues_and_hours_without_data() -> None:
    assert notes_on([HOUR, HOUR + 1], [HOUR, HOUR + 1]) == [
        LOST,
        "2 hours without data: 2022-01-28T00 to 2022-01-28T01",
    ]
    assert notes_on([HOUR + 1], []) == []
