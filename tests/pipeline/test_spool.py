"""The runs of hours in scratch space."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pvtop.lake.day_writer import Totals
from pvtop.pipeline.spool import HourSpool, Spooled, as_runs
from pvtop.transform.schemas import ROWS
from support.days import DAY, day_provenance


def test_runs_of_an_hour_are_merged_to_one_and_removed(tmp_path: Path) -> None:
    hour = DAY.hours[2]
    spool = HourSpool(hour, tmp_path)
    for titles in (["A", "C"], ["B", "\ufffd"], ["\ufffd"]):
        spool.add(pl.DataFrame([("en", title, 1) for title in titles], schema=ROWS, orient="row"))
    runs = spool.end()
    assert len(runs) == 2
    record = day_provenance(DAY, Totals()).dumps[2]
    (merged,) = as_runs({hour: Spooled(record, runs)}, tmp_path)
    rows = [row for frame in merged.read("en") for row in frame.rows()]
    assert rows == [("A", 1), ("B", 1), ("C", 1), ("\ufffd", 2)]
    assert [path.name for path in tmp_path.iterdir()] == [f"{hour.iso}.arrow"]
