"""What is loaded into the mart as one: the report of an hour, or a rollup."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
from sqlalchemy import Table

from pvtop.core.errors import NotInLakeError
from pvtop.core.hour import Hour
from pvtop.core.period import Period
from pvtop.lake.lake import Lake
from pvtop.mart.tables import Tables
from pvtop.transform.report import Report
from pvtop.transform.rollup import Rollup

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS_OF_AN_HOUR = 1 << 32  # more than any report can have
Key = Mapping[str, object]


class Part(ABC):
    """An hour or a rollup."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What people call it."""

    @property
    @abstractmethod
    def key(self) -> Key:
        """The columns that its facts have in common."""

    @abstractmethod
    def facts(self, tables: Tables) -> Table:
        """Return the table of its facts."""

    @abstractmethod
    def loads(self, tables: Tables) -> Table:
        """Return the table that says what is loaded."""

    @abstractmethod
    def read(self, lake: Lake) -> Report | Rollup:
        """Read it from the lake.

        Raises:
            NotInLakeError: It is not in the lake.
            OutputError: The lake cannot be read.
        """

    @abstractmethod
    def provenance(self, lake: Lake) -> str | None:
        """Return its provenance in the lake as JSON, None if it is missing or cannot be read.

        Raises:
            OutputError: The lake cannot be read.
        """

    def fact_columns(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return its ranked pages with the columns that the facts of such a part have, besides those of its key."""
        return rows


@dataclass(frozen=True, slots=True, order=True)
class HourPart(Part):
    """The report of an hour.

    Args:
        hour: The hour.
    """

    hour: Hour

    @property
    def label(self) -> str:
        """The stamp."""
        return self.hour.iso

    @property
    def key(self) -> Key:
        """The stamp in UTC, without a zone."""
        return {"datehour": self.hour.stamp.replace(tzinfo=None)}

    def facts(self, tables: Tables) -> Table:
        """Return `pageview_fact`."""
        return tables.pageview_fact

    def loads(self, tables: Tables) -> Table:
        """Return `report_load`."""
        return tables.report_load

    def read(self, lake: Lake) -> Report:
        """Read the report."""
        return lake.read(self.hour)

    def provenance(self, lake: Lake) -> str | None:
        """Return the provenance of the report."""
        found = lake.provenance(self.hour)
        return found.to_json() if found else None

    def fact_columns(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the ranked pages with their ids: the hours since 1970, and the position in the report."""
        hours = (self.hour.stamp - EPOCH) // timedelta(hours=1)
        return rows.with_row_index("pageview_fact_id").with_columns(
            pl.col("pageview_fact_id").cast(pl.Int64) + hours * ROWS_OF_AN_HOUR
        )


@dataclass(frozen=True, slots=True)
class RollupPart(Part):
    """A rollup.

    Args:
        period: Its hours.
        merged: Whether it merges access.
    """

    period: Period
    merged: bool

    @property
    def label(self) -> str:
        """The day, the month or the hours."""
        return f"rollup of {self.period}{' (merged access)' if self.merged else ''}"

    @property
    def key(self) -> Key:
        """The first and the last stamp in UTC, without a zone, and whether access is merged."""
        first, last = (hour.stamp.replace(tzinfo=None) for hour in (self.period.first, self.period.last))
        return {"first_datehour": first, "last_datehour": last, "is_merged": self.merged}

    def facts(self, tables: Tables) -> Table:
        """Return `rollup_fact`."""
        return tables.rollup_fact

    def loads(self, tables: Tables) -> Table:
        """Return `rollup_load`."""
        return tables.rollup_load

    def read(self, lake: Lake) -> Rollup:
        """Read the rollup."""
        if found := lake.rollup(self.period, merged=self.merged):
            return found
        raise NotInLakeError(f"the lake {lake.path('')} has no {self.label}", "make it with run_rollup")

    def provenance(self, lake: Lake) -> str | None:
        """Return the provenance of the rollup."""
        found = lake.rollup_provenance(self.period, merged=self.merged)
        return found.to_json() if found else None


def parts_in_lake(lake: Lake) -> list[Part]:
    """Return every hour and every rollup of a lake, the oldest first. Reads only folder listings.

    Raises:
        OutputError: The lake cannot be read.
    """
    rollups = [RollupPart(period, merged) for period, merged in lake.rollups()]
    return [*map(HourPart, lake.hours()), *rollups]
