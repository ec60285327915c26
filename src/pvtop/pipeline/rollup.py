"""Make the rollup of a period: add up the views of its pages over all hours, and rank the sums."""

from __future__ import annotations

import asyncio
import logging
from collections import ChainMap
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event

from pvtop.core.day import Day
from pvtop.core.errors import InvalidReportError, NotPublishedError
from pvtop.core.hour import Hour, first_runs
from pvtop.core.period import Period, PeriodLike
from pvtop.core.states import HourState
from pvtop.lake.layout import rollup_domains_path, rollup_top_pages_path
from pvtop.pipeline.days import DayObserver, spool_day
from pvtop.pipeline.dump_sums import sum_dumps
from pvtop.pipeline.plan import Action
from pvtop.pipeline.rollup_inputs import Records, digests_of, dumps_of, reason_changed, records_in_lake
from pvtop.pipeline.scratch_room import announce_rollup
from pvtop.pipeline.session import Session, run_sync
from pvtop.pipeline.spool import as_runs
from pvtop.pipeline.summing import DayInput, SummedDumps, Summing, merged_first
from pvtop.settings import Settings
from pvtop.sources.scratch import SortedRun, scratch_folder
from pvtop.transform.rollup import MISSING, Rollup, RollupProvenance

FEW_PAGES = 100  # per domain; with more, too many pages can rank for their sums to be kept in memory

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RollupResult:
    """The result of a rollup.

    Attributes:
        state: `made`, or `unchanged` if the rollup in the lake is up to date.
        rollup: The rollup.
        top_pages: Path of the Parquet file of the ranked pages.
        domains: Path of the Parquet file of the domain totals.
    """

    state: HourState
    rollup: Rollup
    top_pages: str
    domains: str

    def __repr__(self) -> str:
        return f"<RollupResult of {self.rollup.period}: {self.state.label}, {self.rollup.counts}>"

    def _repr_html_(self) -> str:
        """Return the state, the file, and the first pages of the largest domains, as notebooks show them."""
        rollup = self.rollup
        caption = f"Rollup of {rollup.period}: {self.state.label}; {rollup.counts}"
        return rollup.html_table(caption, [self.top_pages, *rollup.notes])


def run_rollup(
    period: PeriodLike, settings: Settings, *, merge_access: bool = False, strict: bool = False
) -> RollupResult:
    """Make the rollup of a period, unless the one in the lake is up to date.

    The views of each page are summed over all hours, and the sums are ranked. They come from day files and, for days
    without one, from dumps, which are downloaded if need be. Works in a running event loop, too, as notebooks have one.

    Args:
        period: The hours: a `Period`; a UTC day or a month, such as `2024-12-30` or `2024-12`; or the first and the
            last hour. A stamp is the END of an hour.
        settings: Everything else.
        merge_access: Add up desktop, mobile and zero of a wiki, under its desktop code.
        strict: Fail if an hour is missing. By default, the other hours are summed, and `Rollup.provenance` names those
            that are missing.

    Returns:
        The state, `made` or `unchanged`, the rollup, and the paths of its files. `Rollup` lists the columns of its two
        frames.

    Raises:
        UsageError: The value is not a period.
        NotPublishedError: All hours are missing, or one is and `strict` is set.
        InvalidReportError: The rollup in the lake has hours that are now missing, and `force` is not set.
        PvtopError: Any other failure. The lake never shows a half-written rollup as complete.
    """

    async def run() -> RollupResult:
        async with Session(settings) as session:
            result = await _Work(Period.at(period), session, merged=merge_access, strict=strict).run()
            await asyncio.to_thread(session.prune)
            return result

    return run_sync(run())


@dataclass(slots=True)
class _Spool:
    """The hours of a rollup that no day file has, in scratch space.

    Attributes:
        hours: The pages of each hour, if they are all of one day.
        days: Otherwise, the sums of each day.
        digests: By stamp, the sha256 of the dumps.
    """

    hours: list[SortedRun] = field(default_factory=list)
    days: list[SortedRun] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)


class _Work:
    """The work on one rollup.

    Args:
        period: The hours.
        session: What the steps share.
        merged: Add up desktop, mobile and zero of a wiki.
        strict: Fail if an hour is missing.
    """

    def __init__(self, period: Period, session: Session, *, merged: bool, strict: bool) -> None:
        self._period = period
        self._session = session
        self._merged = merged
        self._strict = strict

    async def run(self) -> RollupResult:
        """Look up what is there, and make the rollup unless it is up to date."""
        lake, period = self._session.lake, self._period
        await asyncio.to_thread(lake.prepare)
        context = await self._session.context()
        in_lake = await asyncio.to_thread(records_in_lake, period, lake)
        made = await asyncio.to_thread(lake.rollup_provenance, period, merged=self._merged)
        if made and not context.force:
            reason = context.fingerprint.reason_outdated(made) or await reason_changed(made, in_lake, self._session)
            log.debug("rollup of %s: %s", period, reason or "up to date")
            found = None if reason else await asyncio.to_thread(lake.rollup, period, merged=self._merged)
            if found:
                self._check_missing(made.missing)
                return self._result(HourState.UNCHANGED, found)
        return self._result(HourState.MADE, await self._make(in_lake))

    async def _make(self, in_lake: Mapping[Day, Records]) -> Rollup:
        """Make the rollup."""
        session, context = self._session, await self._session.context()
        few = session.settings.top <= FEW_PAGES
        found = await (self._sum_with_day_files(in_lake) if in_lake or not few else self._sum_dumps())
        provenance = RollupProvenance(
            first=self._period.first.iso,
            last=self._period.last.iso,
            merged=self._merged,
            ambiguous=found.sums.ambiguous,
            dumps=found.digests,
            **asdict(context.fingerprint),
        )
        rollup = Rollup(self._period, found.sums.top_pages, found.sums.domains, provenance)
        await asyncio.to_thread(session.lake.write_rollup, rollup, self._accept)
        return rollup

    async def _sum_dumps(self) -> SummedDumps:
        """Sum the hours from their dumps, if no day file has any of them."""
        actions = await dumps_of(self._period.hours, self._session, needed=True)
        self._check_missing(sorted({*self._period.hours} - {action.hour for action in actions}))
        found = await sum_dumps(actions, self._session, merged=self._merged)
        digests = self._digests(found.digests)
        self._check_missing([hour for hour in self._period.hours if digests[hour.iso] == MISSING])
        return SummedDumps(found.sums, digests)

    async def _sum_with_day_files(self, in_lake: Mapping[Day, Records]) -> SummedDumps:
        """Sum the hours from day files in the lake, and from dumps for the hours that they lack."""
        session, stopped = self._session, Event()
        blacklist = await session.blacklist()
        summing = Summing(session.lake, blacklist, session.settings, merged=self._merged, stopped=stopped)
        try:
            with ExitStack() as stack:
                days = [DayInput(day, hours) for day, hours in self._period.days.items() if day in in_lake]
                spooled = await self._spool(in_lake, days, summing, stack)
                digests = self._digests(spooled.digests, *map(digests_of, in_lake.values()))
                self._check_missing([hour for hour in self._period.hours if digests[hour.iso] == MISSING])
                sums = await asyncio.to_thread(summing.sum, days, spooled.hours, spooled.days)
        finally:
            stopped.set()  # if nobody waits for the thread any more, it ends
        return SummedDumps(sums, digests)

    async def _spool(
        self, in_lake: Mapping[Day, Records], days: Sequence[DayInput], summing: Summing, stack: ExitStack
    ) -> _Spool:
        """Check that there is room. Spool the hours that no day file in the lake has.

        The hours of one day are summed with everything else. If there are several days, each is summed before the next
        one is read, so that scratch space holds the hours of one day only.
        """
        spool, lacking = _Spool(), await self._lacking(in_lake)
        merges = [_sizes(part, in_lake) for part in merged_first(days)]
        announce_rollup(self._period, [*lacking.values()], merges, self._session)
        folder = stack.enter_context(scratch_folder(self._session.settings.cache_dir)) if lacking else Path()
        for day, dumps in lacking.items():
            with scratch_folder(folder) if len(lacking) > 1 else nullcontext(folder) as of_day:
                found = await spool_day(dumps, self._session, of_day, DayObserver())
                spool.digests |= {hour.iso: one.record.dump_sha256 for hour, one in found.items()}
                runs = await asyncio.to_thread(as_runs, found, of_day)
                if len(lacking) == 1:
                    spool.hours = runs
                elif runs:
                    path = folder / f"{day.iso}.arrow"
                    spool.days.append(await asyncio.to_thread(summing.sum_hours, runs, path))
        return spool

    async def _lacking(self, in_lake: Mapping[Day, Records]) -> dict[Day, list[Action]]:
        """Return how to get the dumps of the hours that are wanted, and that no day file in the lake has."""
        found = {}
        for day, hours in self._period.days.items():
            lacking = [hour for hour in hours if hour.iso not in in_lake.get(day, {})]
            if lacking and (dumps := await dumps_of(lacking, self._session, needed=day not in in_lake)):
                found[day] = dumps
        return found

    def _digests(self, *known: Mapping[str, str]) -> dict[str, str]:
        """Return the digest of each dump, or `MISSING`."""
        found = ChainMap(*map(dict, known))
        return {hour.iso: found.get(hour.iso, MISSING) for hour in self._period.hours}

    def _check_missing(self, missing: Sequence[Hour]) -> None:
        """Check that there is something to sum, and with `strict` that no hour is missing.

        Raises:
            NotPublishedError: All hours are missing, or one is and `strict` is set.
        """
        count, hours = len(missing), len(self._period.hours)
        if count == hours:
            raise NotPublishedError(f"all hours of {self._period} are missing", "choose an earlier period")
        if missing and self._strict:
            verb = "is" if count == 1 else "are"
            raise NotPublishedError(
                f"{count:,} of {hours:,} hours of {self._period} {verb} missing: {first_runs(missing)}",
                "leave out strict to add up the others",
                remedy="not_strict",
            )

    def _accept(self, lost: Sequence[Hour]) -> None:
        """Refuse to replace a rollup of more hours, unless `force` is set. Call it while the rollup is locked.

        Args:
            lost: The hours that the new rollup lacks, and the one in the lake has or may have.

        Raises:
            InvalidReportError: There are such hours.
        """
        if lost and not self._session.settings.force:
            made = self._session.lake.rollup_provenance(self._period, merged=self._merged)
            what = "has" if made else "is damaged, or made by another version, and may have"
            raise InvalidReportError(
                f"the rollup of {self._period} in the lake {what} hours that are missing now: {first_runs(lost)}",
                "the lake is unchanged; to replace the rollup anyway, use force",
                setting="force",
            )

    def _result(self, state: HourState, rollup: Rollup) -> RollupResult:
        paths = (path(self._period, merged=self._merged) for path in (rollup_top_pages_path, rollup_domains_path))
        return RollupResult(state, rollup, *map(self._session.lake.path, paths))


def _sizes(days: Sequence[DayInput], in_lake: Mapping[Day, Records]) -> list[int]:
    """Return the sizes of the dumps that the wanted hours of day files were made from."""
    return [in_lake[day][hour.iso].dump_bytes for day, hours in days for hour in hours if hour.iso in in_lake[day]]
