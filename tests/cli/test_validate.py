"""The command `validate`."""

from __future__ import annotations

import json

import pytest

from support.samples import DATA, Command

MAKE = ("report", "--source", DATA / "source", "--blacklist", "none", "--output", "lake")


@pytest.fixture(autouse=True)
def _one_hour(pvtop_in_process: Command) -> None:
    """Make a lake of one hour."""
    pvtop_in_process(*MAKE, "--date", "2024-12-31", "--hour", "14")


def test_validate_with_gaps_names_them_and_exits_0(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("validate", "--start", "2024-12-31T14", "--end", "2024-12-31T15", "--output", "lake")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2024-12-31T14  valid\n1 hour missing: 2024-12-31T15\n2 hours: 1 missing, 1 valid\n"


@pytest.mark.parametrize("args", [("--date", "2024-12-31", "--hour", "15"), ("--start", "2024-12-30"), ("--hour", "3")])
def test_validate_exits_3_if_the_lake_has_none_of_its_hours(pvtop_in_process: Command, args: tuple[str, ...]) -> None:
    done = pvtop_in_process("validate", *args, "--output", "lake")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("pvtop: the lake lake/ has no report ")
    assert done.stderr.endswith("\n  pvtop status shows which hours are in the lake\n")


def test_validate_words_the_advice_for_what_cannot_be_compared_as_the_command_line_does(
    pvtop_in_process: Command,
) -> None:
    done = pvtop_in_process("validate", "--output", "lake", "--source", "nowhere", "--totals", "--json")
    (uncompared,) = json.loads(done.stdout)["hours"][0]["uncompared"]
    assert done.returncode == uncompared["exit_code"] == 1
    assert done.stderr == f"pvtop: {uncompared['error']}\n  {uncompared['hint']}\n"
