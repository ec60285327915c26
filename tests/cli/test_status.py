"""The command `status`."""

from __future__ import annotations

import json

import pytest

from support.samples import DATA, Command

SOURCE = DATA / "source"


def test_status_with_gaps_names_them_and_exits_0(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(
        "status", "--source", SOURCE, "--start", "2024-12-31T14", "--end", "2024-12-31T15", "--output", "lake"
    )
    assert done.returncode == 0, done.stderr
    assert "2 hours missing: 2024-12-31T14 to 2024-12-31T15\n" in done.stdout


def test_status_shows_the_newest_week_by_default(pvtop_in_process: Command) -> None:
    data = json.loads(pvtop_in_process("status", "--source", SOURCE, "--output", "lake", "--json").stdout)
    assert max(data["hours"]) == "2025-01-01T01"
    assert len(data["hours"]) <= 168


@pytest.mark.parametrize(
    ("encoding", "made", "missing"), [("utf-8", "█", "·"), ("ascii", "#", "."), ("latin-1", "#", ".")]
)
def test_status_draws_what_the_encoding_of_stdout_has(
    pvtop_in_process: Command, pvtop_process: Command, encoding: str, made: str, missing: str
) -> None:
    hours = ("--source", SOURCE, "--output", "lake", "--start", "2024-12-31T14")
    assert pvtop_in_process("batch", *hours, "--blacklist", "none").returncode == 0
    shown = pvtop_process("status", *hours, "--end", "2024-12-31T15", PYTHONIOENCODING=encoding).stdout.splitlines()
    assert shown[1] == f"2024-12-31                {made}{missing}           1"
    assert shown[2] == f"{made} made  {missing} missing  x failed  blank: not published"
