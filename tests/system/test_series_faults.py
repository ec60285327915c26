"""docs/failure-modes.md, "Pages over time": every row is run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pvtop.lake.layout import day_path
from support.days import DAY, write_day
from support.pages import failure_modes
from support.samples import Command, WriteDump

LAKE = Path("lake")
HOUR = DAY.hours[5]  # begins at 05:00
DUMPS = {
    "truncated dump": "en Climate 1 0\n",
    "dump with too many malformed lines": "en Climate 1 0\nen\n",
    "page twice in a dump": "en Climate 1 0\nen Climate 2 0\n",
}


def empty_day() -> None:
    write_day(LAKE, DAY, {}, missing=range(24))


def one_hour_missing() -> None:
    write_day(LAKE, DAY, {("en", "Climate"): {4: 1}}, missing=[5])


def damage() -> None:
    one_hour_missing()
    path = LAKE / day_path(DAY)
    path.write_bytes(path.read_bytes()[:-9])


def day_file_of_another_day() -> None:
    one_hour_missing()
    (LAKE / day_path(DAY)).write_bytes(write_day(LAKE, DAY + 1, {("en", "Climate"): {4: 1}}).read_bytes())


def overflow() -> None:
    write_day(LAKE, DAY, {("en", "Climate"): {4: 2**63 - 1}, ("en.m", "Climate"): {4: 1}})


PREPARE: dict[str, Callable[[], object]] = {
    "no hour of the day files has data": empty_day,
    "some hours without data": one_hour_missing,
    "page without views": one_hour_missing,
    "damaged day file": damage,
    "day file of another day": day_file_of_another_day,
    "sum beyond 64 bits": overflow,
    "source folder that does not exist": lambda: Path("source").rmdir(),
    "line that is not a page": lambda: Path("pages.txt").write_text("en:Climate\nClimate\n"),
    "file of pages that is not UTF-8": lambda: Path("pages.txt").write_bytes(b"en:Caf\xe9\n"),
    "file of pages that is a pipe": lambda: os.mkfifo("pages.txt"),
}
ARGUMENTS = {
    "no period, and no day file": ("en:Climate",),
    "page without views": ("en:climate",),
    "sum beyond 64 bits": ("en:Climate", "--merge-access"),
    "text that is not a page": ("Climate",),
}
PERIOD = ("--start", DAY.hours[0].iso, "--end", DAY.hours[-1].iso)


@pytest.mark.parametrize("row", list(failure_modes("Pages over time")), ids=lambda row: row[0])
def test_fault_of_a_series_is_explained(pvtop_in_process: Command, write_dump: WriteDump, row: tuple[str, ...]) -> None:
    fault, code, message, _ = row
    Path("source").mkdir(exist_ok=True)
    if fault in DUMPS:
        dump = write_dump(DUMPS[fault], HOUR)
        if fault == "truncated dump":
            dump.write_bytes(dump.read_bytes()[:-1])
    elif fault in PREPARE:
        PREPARE[fault]()
    pages = ("--from", "pages.txt") if fault.startswith(("line that", "file of pages")) else ("en:Climate",)
    period = () if fault.startswith("no period") else PERIOD
    args = (*ARGUMENTS.get(fault, pages), *period)
    done = pvtop_in_process("series", "--output", LAKE, "--source", "source", *args, "--csv")
    assert str(done.returncode) == code, done.stderr
    assert bool(done.stdout) == (code == "0")
    assert message.strip("`") in done.stderr
    assert "internal error" not in done.stderr
