"""The command `status`."""

from __future__ import annotations

import json

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
