"""The state of every hour in a range."""

from __future__ import annotations

from support.samples import DATA, SOURCE, Command

ARGS = ("--source", SOURCE, "--blacklist", DATA / "blacklist", "--output", "lake")


def test_status_shows_a_calendar_and_gaps(pvtop_in_process: Command) -> None:
    pvtop_in_process("batch", *ARGS, "--start", "2024-12-31T02", "--end", "2025-01-01T01")
    shown = pvtop_in_process(
        "status", *ARGS[:2], *ARGS[4:], "--start", "2024-12-31", "--end", "2025-01-01"
    ).stdout.splitlines()
    assert shown[1] == "2024-12-31  ··██████████████████████  22"
    assert shown[2].rstrip() == "2025-01-01  ██                         2"
    assert "24 made, 2 missing, 22 not published" in shown
    assert "2 hours missing: 2024-12-31T00 to 2024-12-31T01" in shown
