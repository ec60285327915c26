"""The rows of docs/failure-modes.md about movers and spikes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pvtop.core.day import Day
from pvtop.lake.layout import day_path
from support.days import Views, write_day
from support.pages import failure_modes
from support.samples import Command

DAY = Day(date(2024, 12, 30))
VIEWS = {("en", "Comet"): {7: 600}}
ROWS = {fault: cells for fault, *cells in failure_modes("Movers and spikes")}
ALL_HOURS = range(24)


def days(lake: Path, day: Views | None, *earlier: Views | None) -> None:
    """Write the day files of a day and of the days before it, the newest of them first. None lacks."""
    for number, views in enumerate([day, *earlier]):
        if views is not None:
            write_day(lake, DAY + -number, views)


def damaged(lake: Path) -> None:
    """Write day files, and cut that of the day."""
    days(lake, VIEWS, VIEWS, VIEWS)
    path = lake / day_path(DAY)
    path.write_bytes(path.read_bytes()[:-100])


def of_another_day(lake: Path) -> None:
    """Write day files. That of the day is a copy of the one before."""
    days(lake, None, VIEWS, VIEWS)
    (lake / day_path(DAY)).parent.mkdir()
    (lake / day_path(DAY)).write_bytes((lake / day_path(DAY + -1)).read_bytes())


def without_data(lake: Path) -> None:
    """Write day files. Those of the earlier days have no hour."""
    days(lake, VIEWS)
    for number in (1, 2):
        write_day(lake, DAY + -number, {}, missing=ALL_HOURS)


def without_some_hours(lake: Path) -> None:
    """Write day files of which some hours are missing."""
    for number in range(3):
        write_day(lake, DAY + -number, VIEWS, missing=[3, 4])


LARGE = {("en", "Comet"): {7: 2**63 - 1}, ("en.m", "Comet"): {7: 2**63 - 1}}
CAUSES: dict[str, Callable[[Path], None]] = {
    "day without a day file": lambda lake: days(lake, None, VIEWS, VIEWS),
    "some earlier days without a day file": lambda lake: days(lake, VIEWS, VIEWS, None),
    "all earlier days without a day file": lambda lake: days(lake, VIEWS, None, None),
    "earlier days without data": without_data,
    "hours without data": without_some_hours,
    "damaged day file": damaged,
    "day file of another day": of_another_day,
    "views beyond 64 bits": lambda lake: days(lake, LARGE, VIEWS, VIEWS),
}


def test_every_row_about_movers_and_spikes_is_run() -> None:
    assert ROWS.keys() == CAUSES.keys()


@pytest.mark.parametrize("fault", CAUSES)
@pytest.mark.parametrize("command", ["movers", "spikes"])
def test_movers_and_spikes_with_faulty_days(
    tmp_path: Path, pvtop_in_process: Command, command: str, fault: str
) -> None:
    CAUSES[fault](tmp_path / "lake")
    of_movers, of_spikes, message, _ = ROWS[fault]
    code = int(of_movers if command == "movers" else of_spikes)
    against = ("--against", "2d") if command == "movers" else ()
    done = pvtop_in_process(command, *against, "--blacklist", "none", "--output", "lake", "--day", DAY)
    assert done.returncode == code
    if code or command == "movers":
        assert message.strip("`") in done.stderr
    assert not code or not done.stdout
