"""The command `spikes`."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest

from pvtop.core.day import Day
from support.days import write_day
from support.samples import Command

DAY = Day(date(2024, 12, 30))
VIEWS = {
    ("en", "Comet"): {7: 100, 8: 700},
    ("en.m", "Comet"): {8: 200},
    ("", "Quiet"): {23: 600},
    ("en", "Steady"): dict.fromkeys(range(24), 100),
}
FIND = ("spikes", "--blacklist", "none", "--output", "lake")


@pytest.fixture(autouse=True)
def _lake(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, VIEWS, missing=[3])


def test_spikes_shows_the_numbers_of_each_page(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*FIND)
    head, floors, note, blank, header, *pages = done.stdout.splitlines()
    assert (done.returncode, done.stderr, blank) == (0, "", "")
    assert head == "2024-12-30 UTC, 23 hours"
    assert floors == "Pages with at least 500 views on the day, and at least 50 % of them in one hour"
    assert note == "Note: 1 hour without data: 2024-12-30T04"
    assert header.split()[:7] == ["rank", "peak", "hour", "peak", "views", "share", "mobile"]
    first = "   1  08:00-09:00         900    90 %    22 %        1,000    20 %  ▁▁▁ ▁▁▁▂█▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  en:Comet"
    second = '   2  23:00-24:00         600   100 %       -          600       -  ▁▁▁ ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█  "":Quiet'
    assert pages == [first, second]


def test_spikes_as_json(pvtop_in_process: Command) -> None:
    found = json.loads(pvtop_in_process(*FIND, "--domain", "en", "--json").stdout)
    (page,) = found.pop("pages")
    assert found == {
        "day": "2024-12-30",
        "start": "2024-12-30T00:00:00Z",
        "end": "2024-12-31T00:00:00Z",
        "hours_with_data": 23,
        "hours_without_data": ["2024-12-30T04"],
        "min_views": 500,
        "min_peak_share": 0.5,
        "notes": ["1 hour without data: 2024-12-30T04"],
    }
    assert (page["peak_start"], page["peak_views"], page["peak_share"]) == ("2024-12-30T08:00:00Z", 900, 0.9)
    assert page["hourly_views"] == [0, 0, 0, None, 0, 0, 0, 100, 900] + [0] * 15


def test_spikes_as_csv(pvtop_in_process: Command) -> None:
    rows = list(csv.DictReader(io.StringIO(pvtop_in_process(*FIND, "--csv", "--min-peak-share", "0.95").stdout)))
    assert [(row["day"], row["domain_code"], row["page_title"]) for row in rows] == [("2024-12-30", "", "Quiet")]
    assert (rows[0]["peak_share"], rows[0]["mobile_share"]) == ("1.0", "")


def test_number_of_pages_is_limited(pvtop_in_process: Command) -> None:
    assert len(json.loads(pvtop_in_process(*FIND, "-n", "1", "--json").stdout)["pages"]) == 1
