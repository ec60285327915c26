"""Sum the pages of many day files and hours, and rank the sums. Memory is bounded, however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import NamedTuple

import polars as pl

from pvtop.core.day import Day
from pvtop.core.errors import CorruptError
from pvtop.core.hour import Hour
from pvtop.lake.lake import Lake
from pvtop.pipeline.day_runs import DayRun, HourRun, merged_segments, segments
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist
from pvtop.sources.facts import translate_cache_errors
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
    """A day file in the lake, of a rollup.

    Attributes:
        day: The day.
        hours: Its hours that are wanted.
    """

    day: Day
    hours: Sequence[Hour]


@dataclass(frozen=True, slots=True)
class Sums:
    """The frames of a rollup: the sums of the views in some hours.

    Attributes:
        top_pages: The ranked pages, in the columns of `Rollup`.
        domains: The domain totals, in the columns of `Rollup`.
        ambiguous: The codes in these hours that may also mean the wiki of a chapter, if access is merged.
    """

    top_pages: pl.DataFrame
    domains: pl.DataFrame
    ambiguous: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SummedDumps:
    """The sums of some hours, and the dumps that they come from, directly or through day files.

    Attributes:
        sums: The sums.
        digests: By stamp, the sha256 of the dumps in hex, or `transform.rollup.MISSING`.
    """

    sums: Sums
    digests: dict[str, str]


class Summing:
    """Sums day files in the lake, and hours in scratch space.

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

    def sum_hours(self, hours: Sequence[SortedRun], path: Path) -> SortedRun:
        """Sum hours in scratch space to one run, so that their own runs can be removed.

        Args:
            hours: All pages of each hour.
            path: The file of the new run.

        Raises:
            CorruptError: A sum does not fit into 64 bits.
            OutputError: The scratch space cannot be written.
        """
        with translate_overflow(), ExitStack() as stack:
            return _write_run(self._sums(self._open_hours(hours, stack)), path)

    def sum(self, days: Sequence[DayInput], hours: Sequence[SortedRun], summed: Sequence[SortedRun]) -> Sums:
        """Sum everything, and rank the sums.

        Args:
            days: Day files in the lake.
            hours: All pages of each of some hours.
            summed: Runs that `sum_hours` returned.

        Raises:
            CorruptError: A sum does not fit into 64 bits.
            OutputError: A day file cannot be read, or the scratch space cannot be written.
        """
        top = TopPages(self._settings.top, merged=self._merged)
        with translate_overflow():
            for pages in self._all_sums(days, hours, summed):
                top.add(pages)
            totals = pl.concat(self._totals)
            domains = add_up_totals(totals, merged=self._merged)
        ranked = top.ranked()
        ambiguous = ambiguous_codes(totals) if self._merged else ()
        return Sums(without_split(ranked) if self._merged else ranked, domains, ambiguous)

    def _all_sums(
        self, days: Sequence[DayInput], hours: Sequence[SortedRun], summed: Sequence[SortedRun]
    ) -> Iterator[pl.DataFrame]:
        """Yield the sums of all pages, by way of scratch space if there are too many day files to be open at once."""
        with ExitStack() as stack:
            runs = [stack.enter_context(closing(run)) for run in summed]
            first = merged_first(days)
            folder = stack.enter_context(scratch_folder(self._settings.cache_dir)) if first else Path()
            for number, part in enumerate(first):
                run = self._sum_days(part, folder / f"{number}.arrow")
                runs.append(stack.enter_context(closing(run)))
            left = days[len(first) * MAX_DAYS :]
            of_days, of_hours = self._open_days(left, stack), self._open_hours(hours, stack)
            if len(of_days) == 1 and not (of_hours or runs or self._merged):
                yield from of_days[0].candidates(self._settings.top)
                self._totals.append(of_days[0].totals)
            else:
                yield from self._sums([*of_days, *of_hours], runs)

    def _sum_days(self, days: Sequence[DayInput], path: Path) -> SortedRun:
        with ExitStack() as stack:
            return _write_run(self._sums(self._open_days(days, stack)), path)

    def _sums(self, runs: Sequence[DayRun | HourRun], summed: Sequence[SortedRun] = ()) -> Iterator[pl.DataFrame]:
        """Yield the sums of the pages of some runs, in order of domain code and title. Keep their totals."""
        found = merged_segments(runs) if self._merged else segments(runs)
        for code, others in segments(summed).items():
            found[code] = [*found.get(code, []), *others]
        yield from merge(found, finish=sum_by_page)
        self._totals += [run.totals for run in runs]

    def _open_days(self, days: Sequence[DayInput], stack: ExitStack) -> list[DayRun]:
        return [self._open_day(one, stack) for one in days]

    def _open_day(self, one: DayInput, stack: ExitStack) -> DayRun:
        day_file = stack.enter_context(self._lake.day_file(one.day))
        if day_file is None:
            raise CorruptError(f"the day file of {one.day} was removed while the rollup was made", "run it again")
        return DayRun(day_file, [hour.start.hour for hour in one.hours], self._excluded, self._stopped)

    def _open_hours(self, hours: Sequence[SortedRun], stack: ExitStack) -> list[HourRun]:
        return [HourRun(stack.enter_context(closing(run)), self._excluded, self._stopped) for run in hours]


def merged_first(days: Sequence[DayInput]) -> list[Sequence[DayInput]]:
    """Return the day files that are first merged to runs in scratch space. Each part of them becomes one run.

    Leaves out the last day files, at most `MAX_DAYS`. They are merged together with these runs.
    """
    return [days[start : start + MAX_DAYS] for start in range(0, len(days) - MAX_DAYS, MAX_DAYS)]


def _write_run(frames: Iterator[pl.DataFrame], path: Path) -> SortedRun:
    with translate_cache_errors(path.parent):
        writer = RunWriter(path)
        for pages in frames:
            writer.write(pages)
        return writer.close()


@contextmanager
def translate_overflow() -> Iterator[None]:
    """Turn what Polars raises for a sum that does not fit into a CorruptError."""
    try:
        yield
    except pl.exceptions.InvalidOperationError as error:
        raise CorruptError(
            "the sum of some views does not fit into 64 bits",
            "no page has so many views: one of the dumps is corrupt, so choose a period without its day",
        ) from error
