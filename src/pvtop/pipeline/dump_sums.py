"""Sum the pages of many hours straight from their dumps. Each dump is read twice, and nothing is written.

The first pass finds the pages that can rank, and the domain totals. The second pass adds up the views of these pages.
If a dump lists pages again, it is read a third time, because the totals must count each page once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from threading import Lock

import polars as pl

from pvtop.core.errors import NotPublishedError
from pvtop.core.hour import Hour
from pvtop.pipeline.compute import check_malformed
from pvtop.pipeline.hour import HourWork
from pvtop.pipeline.plan import Action, Fingerprint
from pvtop.pipeline.session import AT_ONCE, BESIDE_DOWNLOADS, Session, run_workers
from pvtop.pipeline.spool import refuse_repeated
from pvtop.pipeline.summing import SummedDumps, Sums, translate_overflow
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist
from pvtop.sources.dumps import reading, scan_rows
from pvtop.sources.facts import FileFacts, LocalFile
from pvtop.storage.regular_file import FileState
from pvtop.transform.candidates import Candidates, FilteredPages, PageFilter
from pvtop.transform.dump import OnRows
from pvtop.transform.page_sums import PageSums
from pvtop.transform.repeats import PageHashes, RepeatedPages
from pvtop.transform.report import Report
from pvtop.transform.runs import may_repeat
from pvtop.transform.schemas import PAGE_KEY
from pvtop.transform.sums import TOTALS, add_up_totals, ambiguous_codes
from pvtop.validation.rules import REPORT_RULES, violations_of


async def sum_dumps(actions: Sequence[Action], session: Session, *, merged: bool) -> SummedDumps:
    """Sum the pages of hours, and rank the sums. Hours that are not published after all are left out.

    Args:
        actions: How to get the dump of each hour.
        session: The resources of the run.
        merged: Add up desktop, mobile and zero of a wiki.

    Raises:
        PvtopError: A dump cannot be read or downloaded, or breaks a rule; or a sum does not fit into 64 bits.
    """
    blacklist, context = await session.blacklist(), await session.context()
    passes = _Passes(session, blacklist, context.fingerprint, merged=merged)
    await passes.find_candidates(actions)
    await passes.add_up()
    return await asyncio.to_thread(passes.result)


class _Passes:
    """The passes over the dumps.

    Args:
        session: The resources of the run.
        blacklist: The pages to exclude.
        fingerprint: What reports depend on now.
        merged: Add up desktop, mobile and zero of a wiki.
    """

    def __init__(self, session: Session, blacklist: Blacklist, fingerprint: Fingerprint, *, merged: bool) -> None:
        settings = session.settings
        self._session = session
        self._blacklist = blacklist
        self._fingerprint = fingerprint
        self._merged = merged
        self._candidates = Candidates(settings.top, merged=merged)
        self._sums = PageSums(blacklist.pages, keep_unknown=settings.keep_unknown, merged=merged)
        self._adding = Lock()
        self._totals = [TOTALS.to_frame()]
        self._dumps: dict[Hour, LocalFile] = {}
        self._unordered: set[Hour] = set()

    async def find_candidates(self, actions: Sequence[Action]) -> None:
        """Read each dump for the first time."""
        to_do = iter(actions)

        async def work() -> None:
            for action in to_do:
                await self._find_in(action)

        await run_workers(work, self._session.settings.connections + BESIDE_DOWNLOADS)

    async def _find_in(self, action: Action) -> None:
        hour_work = HourWork(action.hour, self._session, None, lambda: None)
        try:
            dump = await hour_work.get_dump(action)
        except NotPublishedError:
            return
        await hour_work.read(dump, partial(self._find, action.hour))

    async def _find(self, hour: Hour, dump: LocalFile) -> None:
        """Count the lines of an hour, and take its ranked pages and its totals."""
        session, counter = self._session, await asyncio.to_thread(self._candidates.start_hour)
        state = dump.state or await asyncio.to_thread(FileState.of, dump.path)
        report = await asyncio.to_thread(self._report_at_hand, hour, dump.facts)
        if report:
            async with session.compute_slots:
                await asyncio.to_thread(_read, dump, session.settings, counter.add)
        else:
            report = await session.compute_and_accept(hour, dump, self._blacklist, lambda: None, counter.add)
        await asyncio.to_thread(self._candidates.add_report, report.top_pages)
        self._totals.append(report.domains.select(TOTALS.names()).cast(TOTALS))
        self._dumps[hour] = replace(dump, state=state)
        if not counter.ascends:
            self._unordered.add(hour)

    def _report_at_hand(self, hour: Hour, dump: FileFacts) -> Report | None:
        """Return the report in the lake if it is the one that would be computed. Other reports have other pages.

        Raises:
            MalformedError: The share of malformed lines is above the limit of the settings.
            OutputError: The lake cannot be read.
        """
        lake, fingerprint = self._session.lake, self._fingerprint
        made = lake.provenance(hour)
        if made is None or made.dump_sha256 != dump.sha256 or fingerprint.reason_outdated(made):
            return None
        found = lake.salvage(hour)
        if found.top_pages is None or found.domains is None or lake.provenance_of_domains(hour) != made:
            return None
        report = Report(hour, found.top_pages, found.domains, made)
        if violations_of(report, REPORT_RULES):
            return None
        check_malformed(made.malformed, made.rows + made.malformed, [], dump, self._session.settings.malformed_limit)
        return report

    async def add_up(self) -> None:
        """Read each dump for the second time."""
        page_filter = await asyncio.to_thread(self._candidates.filter)
        to_do = iter(sorted(self._dumps))

        async def work() -> None:
            for hour in to_do:
                async with self._session.compute_slots:
                    await asyncio.to_thread(self._add, hour, page_filter)

        await run_workers(work, AT_ONCE)

    def _add(self, hour: Hour, page_filter: PageFilter) -> None:
        """Add up the views of the candidates of an hour, and correct its totals.

        Raises:
            InvalidReportError: One of them occurs twice.
        """
        filtered, hashes = FilteredPages(page_filter, merged=self._merged), PageHashes()

        def add(rows: pl.DataFrame) -> None:
            filtered.add(rows)
            if hour in self._unordered:
                hashes.add(rows)

        _read(self._dumps[hour], self._session.settings, add)
        pages = filtered.pages()
        refuse_repeated(pages.filter(pages.select(PAGE_KEY).is_duplicated()).filter(~may_repeat()), hour)
        with self._adding:
            self._sums.add(pages)
        self._totals.extend([self._correct(hour, repeated) for repeated in hashes.repeated()])

    def _correct(self, hour: Hour, hashes: pl.Series) -> pl.DataFrame:
        """Return what to add to the totals of an hour, so that each page with one of these hashes counts once."""
        settings = self._session.settings
        repeated = RepeatedPages(hashes, self._blacklist.pages, keep_unknown=settings.keep_unknown)
        _read(self._dumps[hour], settings, repeated.add)
        return repeated.corrections()

    def result(self) -> SummedDumps:
        """Return the sums.

        Raises:
            CorruptError: A sum does not fit into 64 bits.
        """
        totals = pl.concat(self._totals)
        with translate_overflow():
            domains = add_up_totals(totals, merged=self._merged)
            top_pages = self._sums.ranked(self._session.settings.top)
        ambiguous = ambiguous_codes(totals) if self._merged else ()
        digests = {hour.iso: dump.facts.sha256 for hour, dump in self._dumps.items()}
        return SummedDumps(Sums(top_pages, domains, ambiguous), digests)


def _read(dump: LocalFile, settings: Settings, on_rows: OnRows) -> None:
    """Read a dump to its end.

    Raises:
        CorruptError: The dump is truncated or corrupt, or was replaced.
    """
    with reading(dump):
        rows = scan_rows(dump.path, dump.facts.address, settings.max_inflated, on_rows)
        rows.select(pl.len()).collect(engine="streaming")
