"""The inputs of the parts about days: dumps of a day and of a week, lakes made from them, and the exact answers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from commands import batch, build_days, prepare, report
from inputs import HERE, Inputs, appearing, copy_with, digest
from pvtop import Day, Period
from pvtop.lake.day_files import DayFile
from pvtop.lake.day_format import INDEX_KEY, day_metadata
from pvtop.lake.layout import day_path

DATE = Day.parse("2024-08-03")
WEEK = Day.parse("2024-07-01")
MONTH = [Day.parse("2024-06-01") + i for i in range(30)]  # a whole month


@dataclass(frozen=True, slots=True)
class Dumps:
    """Dumps of whole days, and the exact answers for them.

    Attributes:
        source: The source that has them.
        days: The days.
        blacklist: A blacklist for them.
        answers: The folder that `reference_day.py` has filled.
    """

    source: Path
    days: Sequence[Day]
    blacklist: Path
    answers: Path

    @property
    def paths(self) -> list[Path]:
        """The dumps."""
        return paths_of(self.source, self.days)

    @property
    def period(self) -> Period:
        """All hours."""
        return Period.of_hours(self.days[0].hours[0], self.days[-1].hours[-1])

    @property
    def note(self) -> str:
        """Hours, rows, pages, and rows a page, as text."""
        facts = json.loads((self.answers / "day.json").read_text())
        rows, pages = facts["rows"], facts["pages"]
        return f"{24 * len(self.days)} hours: {rows:,} rows, {pages:,} pages, {rows / pages:.2f} rows a page."


class DayInputs:
    """The inputs about days, made when they are asked for.

    Args:
        inputs: The other inputs.
    """

    def __init__(self, inputs: Inputs) -> None:
        self.work = inputs.work
        self._inputs = inputs
        self._scale = inputs.scale

    @cached_property
    def day(self) -> Dumps:
        """A day of full-size hours."""
        return self._dumps(self._inputs.given.day or self.work / "day-source", [DATE], self._scale.rows)

    @cached_property
    def week(self) -> Dumps:
        """A week of smaller hours. No two hours are the same."""
        return self._dumps(self._week_source, [WEEK + i for i in range(self._scale.week_days)], self._scale.week_rows)

    @cached_property
    def first_of_week(self) -> Dumps:
        """The first day of the week."""
        return self._dumps(self._week_source, [WEEK], self._scale.week_rows)

    @property
    def _week_source(self) -> Path:
        return self._inputs.given.week or self.work / "week-source"

    def day_lake(self) -> Path:
        """Make a lake with the day file of the day. Return its folder."""
        return self._built(self.day, "day-lake")

    def week_lake(self) -> Path:
        """Make a lake with the day files of the week. Return its folder."""
        return self._built(self.week, "week-lake")

    def report_lake(self) -> Path:
        """Make a lake with the reports of the day. Return its folder."""
        lake, day = self.work / "report-lake", self.day
        prepare(batch(DATE.hours[0], len(DATE.hours), day.source, day.blacklist, lake), self.work)
        return lake

    def hour_lake(self) -> Path:
        """Make a lake with the report of the first hour of the day. Return its folder."""
        lake, day = self.work / "hour-lake", self.day
        prepare(report(DATE.hours[0], day.source, day.blacklist, lake=lake), self.work)
        return lake

    def month_lake(self) -> Path:
        """Make a lake of 30 days from copies of one day file. Return its folder."""
        original, lake = self.day_lake() / day_path(DATE), self.work / "month-lake"
        for day in MONTH:
            path = lake / day_path(day)
            if not path.exists() or path.stat().st_mtime < original.stat().st_mtime:
                copy_day(original, day, path)
        return lake

    def drawn(self, of: str) -> pl.DataFrame:
        """Return pages of the `largest` domain of the day, or of `all`, with their hours."""
        return pl.read_parquet(self.day.answers / "drawn.parquet").filter(of=of).head(self._scale.drawn)

    def _dumps(self, source: Path, days: Sequence[Day], rows: int) -> Dumps:
        if not all(path.exists() for path in paths_of(source, days)):
            sizes = {"rows": rows, "domains": self._scale.domains, "hours": 24 * len(days)}
            options = [f"--{name}={value}" for name, value in {"day": days[0], "source": source, **sizes}.items()]
            subprocess.run([sys.executable, HERE / "generate_day.py", *options], check=True)
        dumps = paths_of(source, days)
        blacklist = self._inputs.blacklist_of(dumps[0], self._scale.entries, f"blacklist-{days[0]}-{digest(dumps[0])}")
        return Dumps(source, days, blacklist, self._answers(dumps, blacklist))

    def _answers(self, dumps: Sequence[Path], blacklist: Path) -> Path:
        """Compute the exact answers for dumps, unless they are there. Return their folder."""
        name = sha256(" ".join(map(digest, [*dumps, blacklist])).encode()).hexdigest()[:16]
        folder = self.work / "reference" / f"days-{name}"
        if not folder.exists():
            print(f"reference of {len(dumps)} hours", file=sys.stderr)
            with appearing(folder) as part:
                subprocess.run([sys.executable, HERE / "reference_day.py", blacklist, part, *dumps], check=True)
        return folder

    def _built(self, dumps: Dumps, name: str) -> Path:
        lake = self.work / name
        prepare(build_days(dumps.days, dumps.source, lake), self.work)
        return lake


def paths_of(source: Path, days: Sequence[Day]) -> list[Path]:
    """Return the paths of the dumps of some days."""
    return [source / hour.dump_path for day in days for hour in day.hours]


def copy_day(original: Path, day: Day, path: Path) -> None:
    """Copy a day file to another date.

    A link would not do, because a day file names its day and its dumps. The metadata of the copy has the same length as
    that of the original, so only these bytes differ.
    """
    metadata = pq.read_metadata(original).metadata
    with original.open("rb") as file:
        before = DayFile(file, str(original)).provenance
    stamps = [hour.iso for hour in day.hours]
    dumps = tuple(replace(dump, stamp=stamp) for dump, stamp in zip(before.dumps, stamps, strict=True))
    start, end = (f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (day.start, day.end))
    after = day_metadata(replace(before, day=day.iso, start=start, end=end, dumps=dumps), metadata[INDEX_KEY])
    copy_with(original, path, {metadata[key]: text for key, text in after.items()})
