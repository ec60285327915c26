"""Sum the pages of many day files, and rank the sums. Memory is bounded, however many days there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import NamedTuple

import polars as pl

from pvtop.core.day import Day
from pvtop.core.errors import CorruptError
from pvtop.core.hour import Hour
from pvtop.lake.day_files import DayFile
from pvtop.lake.lake import Lake
from pvtop.pipeline.day_runs import DayRun, merged_segments, segments
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist
from pvtop.sources.scratch import RunWriter, SortedRun, scratch_folder
from pvtop.transform.merge import merge
from pvtop.transform.sums import (
    TOTALS,
    ExcludedPages,
    TopPages,
    add_up_totals,
    ambiguous_codes,
    sum_by_page,
    without_split,
)

MAX_DAYS = 31  # day files that are merged at once; more are first merged to runs in scratch space


class DayInput(NamedTuple):
    """A day file of a rollup. A day may have two: one in the lake, and one of the hours that this one lacks.

    Attributes:
        day: The day.
        hours: Its hours that are wanted.
        path: The day file in scratch space, None if it is in the lake.
    """

    day: Day
    hours: Sequence[Hour]
    path: Path | None


@dataclass(frozen=True, slots=True)
class Sums:
    """The result of `Summing`: the frames of a rollup, and all domain codes in its hours.

    Attributes:
        top_pages: The ranked pages, in the columns of `Rollup`.
        domains: The domain totals, in the columns of `Rollup`.
        ambiguous: The codes in its hours that may also mean the wiki of a chapter, and were merged.
    """

    top_pages: pl.DataFrame
    domains: pl.DataFrame
    ambiguous: tuple[str, ...]


class Summing:
    """Sums day files.

    Args:
        lake: The lake with the day files.
        blacklist: The pages to exclude.
        settings: Uses `top`, `keep_unknown` and `cache_dir`.
        merged: Add up desktop, mobile and zero of a wiki.
        stopped: If it is set, the work ends with an InterruptedRunError.
    """

    def __init__(self, lake: Lake, blacklist: Blacklist, settings: Settings, *, merged: bool, stopped: Event) -> None:
        self._lake = lake
        self._excluded = ExcludedPages(blacklist.pages, keep_unknown=settings.keep_unknown)
        self._settings = settings
        self._merged = merged
        self._stopped = stopped
        self._totals = [TOTALS.to_frame()]

    def sum(self, days: Sequence[DayInput]) -> Sums:
        """Sum the days, and rank the sums.

        Raises:
            CorruptError: A sum does not fit into 64 bits.
            OutputError: A day file cannot be read, or the scratch space cannot be written.
        """
        top = TopPages(self._settings.top, merged=self._merged)
        try:
            for pages in self._sum_in_batches(days):
                top.add(pages)
            totals = pl.concat(self._totals)
            domains = add_up_totals(totals, merged=self._merged)
        except pl.exceptions.InvalidOperationError as error:
            raise CorruptError(
                "the sum of some views does not fit into 64 bits",
                "no page has so many views: one of the dumps is corrupt, so choose a period without its day",
            ) from error
        ranked = top.ranked()
        ambiguous = ambiguous_codes(totals) if self._merged else ()
        return Sums(without_split(ranked) if self._merged else ranked, domains, ambiguous)

    def _sum_in_batches(self, days: Sequence[DayInput]) -> Iterator[pl.DataFrame]:
        """Yield the sums of all days, by way of scratch space if they are too many to be open at once."""
        if len(days) <= MAX_DAYS:
            yield from self._sum_open(days)
            return
        with scratch_folder(self._settings.cache_dir) as folder, ExitStack() as stack:
            runs = []
            for first in range(0, len(days), MAX_DAYS):
                runs.append(self._write_run(days[first : first + MAX_DAYS], folder / f"{first}.arrow"))
                stack.callback(runs[-1].close)
            yield from map(sum_by_page, merge(segments(runs)))

    def _write_run(self, days: Sequence[DayInput], path: Path) -> SortedRun:
        writer = RunWriter(path)
        for pages in self._sum_open(days):
            writer.write(pages)
        return writer.close()

    def _sum_open(self, days: Sequence[DayInput]) -> Iterator[pl.DataFrame]:
        """Open some day files, and yield the sums of their pages in order of domain code and title."""
        with ExitStack() as stack:
            runs = [self._open(day, stack) for day in days]
            if len(runs) == 1 and not self._merged:
                yield from runs[0].candidates(self._settings.top)
            else:
                yield from map(sum_by_page, merge(merged_segments(runs) if self._merged else segments(runs)))
            for run in runs:
                self._totals.append(run.totals)

    def _open(self, one: DayInput, stack: ExitStack) -> DayRun:
        if one.path is None:
            day_file = stack.enter_context(self._lake.day_file(one.day))
        else:
            day_file = DayFile(stack.enter_context(one.path.open("rb")), str(one.path))
        if day_file is None:
            raise CorruptError(f"the day file of {one.day} was removed while the rollup was made", "run it again")
        return DayRun(day_file, [hour.start.hour for hour in one.hours], self._excluded, self._stopped)
