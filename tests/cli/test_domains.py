"""The command `domains`."""

from __future__ import annotations

import csv
import json

import pytest

from support.samples import DATA, Command
from support.terminal import on_terminal

LAKE = ("--output", "lake")


@pytest.fixture(autouse=True)
def _one_hour(pvtop_in_process: Command) -> None:
    """Make a lake of one hour."""
    sample = ("--source", DATA / "source", "--blacklist", "none", *LAKE)
    pvtop_in_process("report", *sample, "--date", "2024-12-31", "--hour", "14")


def test_domains_lists_the_most_viewed_first(pvtop_in_process: Command) -> None:
    head, blank, columns, *rows, count = pvtop_in_process("domains", *LAKE).stdout.splitlines()
    assert (head, blank) == ("2024-12-31 14:00 UTC, views from 13:00 to 14:00 UTC", "")
    assert columns.split() == ["views", "pages", "code", "project", "access", "host"]
    assert rows[0].split()[2:] == ["en", "wikipedia", "desktop", "en.wikipedia.org"]
    views = [int(row.split()[0].replace(",", "")) for row in rows]
    assert views == sorted(views, reverse=True)
    assert count == f"{len(rows)} domains"


def test_domains_as_json_and_csv_have_the_same_fields(pvtop_in_process: Command) -> None:
    data = json.loads(pvtop_in_process("domains", *LAKE, "--json").stdout)
    rows = list(csv.DictReader(pvtop_in_process("domains", *LAKE, "--csv").stdout.splitlines()))
    assert data["hour"] == "2024-12-31T14"
    assert data["domains"][0] | {"pages": 0, "views": 0} == {
        "domain_code": "en", "host": "en.wikipedia.org", "project": "wikipedia", "access": "desktop",
        "pages": 0, "views": 0,
    }  # fmt: skip
    texts = [{name: "" if value is None else str(value) for name, value in row.items()} for row in data["domains"]]
    assert rows == texts


def test_domains_lists_only_the_chosen_ones(pvtop_in_process: Command) -> None:
    chosen = pvtop_in_process("domains", *LAKE, "--domain", "*.wiktionary.org,JA", "--json").stdout
    codes = [row["domain_code"] for row in json.loads(chosen)["domains"]]
    assert "ja" in codes
    assert len(codes) > 2
    assert all(code.endswith(".d") for code in codes if code != "ja")


def test_domains_exits_3_if_the_lake_does_not_have_the_hour(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("domains", "--output", "nowhere")
    assert (done.returncode, done.stdout) == (3, "")


def test_domain_fits_into_a_terminal_of_80_columns_except_for_a_long_host() -> None:
    lines = on_terminal("domains", *LAKE, columns=80, stdout=True).lines
    assert any(line.endswith("  commons.m  wikimedia  desktop  commons.wikimedia.org") for line in lines)
    assert ["  www.f  wikimediafoundation  desktop  wikimedia" in line for line in lines if line.endswith("…")] == [
        True
    ]


def test_domain_stays_on_one_line_of_a_narrow_terminal() -> None:
    lines = on_terminal("domains", *LAKE, columns=40, stdout=True).lines
    assert all(len(line) <= 40 for line in lines[1:])
    assert any(line.endswith("…") for line in lines)
