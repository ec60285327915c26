"""Check the reports in a lake against every rule and, if asked, against the source."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from pvtop.core.address import Address, AddressLike
from pvtop.core.errors import (
    BlacklistError,
    NotFoundError,
    NotInLakeError,
    NotPublishedError,
    OutputError,
    PvtopError,
    SourceError,
    UnreachableError,
    UsageError,
)
from pvtop.core.hour import Hour
from pvtop.pipeline.session import Session, run_sync
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist, load_blacklist
from pvtop.sources.dumps import fetch_dump, find_dump, reading
from pvtop.sources.facts import LocalFile
from pvtop.sources.projectviews import fetch_projectviews
from pvtop.storage.gzip import sha256_of
from pvtop.transform.blacklist import no_blacklist
from pvtop.transform.report import Provenance, Report
from pvtop.validation.acceptance import rules_for
from pvtop.validation.comparisons import projectviews_match, provenance_matches, recount_matches, text_matches
from pvtop.validation.recount import Recount, recount
from pvtop.validation.rules import Rule, Violation, violations_of

MAX_CONCURRENT_HOURS = 4  # each keeps a report in memory

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What to compare reports with, besides the rules.

    Attributes:
        totals: Compare the views of each domain with the source's projectviews.
        recount: How many domains of each report to recount from the dump; 0 for none.
        seed: Chooses these domains at random. The same seed chooses the same domains.
    """

    totals: bool = False
    recount: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AuditResult:
    """Whether the report of an hour is valid.

    Attributes:
        hour: The hour.
        in_lake: Whether the hour is in the lake.
        violations: The rules that the report breaks.
        uncompared: The errors that prevented a comparison. They do not mean that the report is wrong.
        notes: What was not checked, and why.
        recounted: The domain codes that were recounted.
    """

    hour: Hour
    in_lake: bool = True
    violations: Sequence[Violation] = ()
    uncompared: Sequence[PvtopError] = ()
    notes: Sequence[str] = ()
    recounted: Sequence[str] = ()


def audit(hours: Sequence[Hour], settings: Settings, options: AuditOptions) -> list[AuditResult]:
    """Check reports in a lake against every rule.

    Uses the blacklist of the settings, or the one that is named in the provenance of a report if the settings name
    none. If that blacklist has changed or cannot be read, the result has a note instead of a violation.

    Args:
        hours: The hours to check, in the lake or not.
        settings: The lake and, for `options`, the source.
        options: What else to compare reports with.

    Returns:
        The result of each hour, in the order of `hours`. A report that cannot be read is a violation. If the dump, the
        blacklist or the projectviews cannot be obtained, the error is in `uncompared`.

    Raises:
        OutputError: The lake cannot be listed, or the cache cannot be written.
    """

    async def check() -> list[AuditResult]:
        async with Session(settings) as session:
            completed = await asyncio.to_thread(session.lake.made_at, hours)
            auditor = _Auditor(session, options)
            results = await asyncio.gather(*(auditor.audit(hour) for hour in hours if hour in completed))
        by_hour = {result.hour: result for result in results}
        return [by_hour.get(hour, AuditResult(hour, in_lake=False)) for hour in hours]

    return run_sync(check())


class _Auditor:
    """Audits hours. Keeps the session, the loaded blacklists, and whether the source has ever answered."""

    def __init__(self, session: Session, options: AuditOptions) -> None:
        self._session = session
        self._options = options
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_HOURS)
        self._blacklists: dict[AddressLike, Blacklist | BlacklistError] = {}
        self._reading_blacklist = asyncio.Lock()
        self._source_answered = False
        self._source_silent: UnreachableError | None = None

    async def audit(self, hour: Hour) -> AuditResult:
        async with self._slots:
            try:
                report = await asyncio.to_thread(self._session.lake.read, hour)
            except NotInLakeError:
                return AuditResult(hour, in_lake=False)
            except OutputError as error:
                unreadable = Violation("the files of the report can be read", pl.DataFrame({"reason": [str(error)]}))
                return AuditResult(hour, violations=[unreadable])
            return await self._check(report)

    async def _check(self, report: Report) -> AuditResult:
        excluded, codes = await self._excluded_pages(report.provenance), self._draw_domains(report)
        totals = await _rule_or_error(self._compare_totals(report.hour)) if self._options.totals else None
        counted = await _rule_or_error(self._recount(report, codes, excluded)) if codes else None
        compared = [it for it in (totals, counted) if isinstance(it, Rule)]
        rules = await asyncio.to_thread(self._rules, report, excluded)
        violations = await asyncio.to_thread(violations_of, report, [*rules, *compared])
        notes = [f"not checked against its blacklist: {excluded}"] if isinstance(excluded, BlacklistError) else []
        if violations and totals in compared and report.provenance.malformed:
            notes.append(f"{report.provenance.malformed:,} malformed lines were skipped; projectviews may count them")
        return AuditResult(
            report.hour,
            violations=violations,
            uncompared=[it for it in (totals, counted) if isinstance(it, PvtopError)],
            notes=notes,
            recounted=codes if counted in compared else (),
        )

    def _rules(self, report: Report, excluded: pl.DataFrame | BlacklistError) -> list[Rule]:
        """Return the rules that need only the lake and the blacklist."""
        hour, lake = report.hour, self._session.lake
        pages = None if isinstance(excluded, BlacklistError) else excluded
        same_report = [text_matches(lake.text(hour)), provenance_matches(lake.provenance_of_domains(hour))]
        return rules_for(report, pages, lake, self._session.settings) + same_report

    async def _excluded_pages(self, provenance: Provenance) -> pl.DataFrame | BlacklistError:
        """Return the blacklist that a report was made with, as pages, or the reason why it is not available."""
        if provenance.blacklist_sha256 is None:
            return no_blacklist()
        settings = self._session.settings
        address = settings.blacklist if "blacklist" in settings.model_fields_set else provenance.blacklist
        async with self._reading_blacklist:
            if address not in self._blacklists:
                self._blacklists[address] = await self._load_blacklist(address)
        found = self._blacklists[address]
        if isinstance(found, BlacklistError):
            return found
        if found.sha256 != provenance.blacklist_sha256:
            message = f"the blacklist {found.address} is not the one that the report was made with"
            return BlacklistError(message, "use the blacklist that it was made with", setting="blacklist")
        return found.pages

    async def _load_blacklist(self, address: AddressLike) -> Blacklist | BlacklistError:
        try:
            return await load_blacklist(self._session.client, Address.at(address))
        except BlacklistError as error:
            return error
        except UsageError as error:  # the address in a provenance is not valid
            return BlacklistError(error.message, error.hint, error.setting, error.remedy)

    async def _compare_totals(self, hour: Hour) -> Rule:
        return projectviews_match(await self._fetch(lambda: fetch_projectviews(hour, self._session.source)))

    async def _fetch(self, fetch: Callable[[], Awaitable[T]]) -> T:
        """Fetch something from the source. If the source has never answered, raise its error at once.

        Otherwise each hour would wait minutes for a source that does not answer.
        """
        if self._source_silent and not self._source_answered:
            raise self._source_silent
        try:
            fetched = await fetch()
        except UnreachableError as error:
            self._source_silent = error
            raise
        self._source_answered = True
        return fetched

    def _draw_domains(self, report: Report) -> list[str]:
        """Return the domain codes to recount, drawn at random."""
        codes = sorted(set(report.domains.get_column("domain_code")))
        rng = random.Random(f"{self._options.seed} {report.hour.iso}")  # noqa: S311 - a sample, not a secret
        return sorted(rng.sample(codes, min(self._options.recount, len(codes))))

    async def _recount(self, report: Report, codes: Sequence[str], excluded: pl.DataFrame | BlacklistError) -> Rule:
        if isinstance(excluded, BlacklistError):
            raise excluded
        dump = await self._obtain_dump(report)
        return recount_matches(await asyncio.to_thread(_recount_dump, dump, report.provenance, codes, excluded))

    async def _obtain_dump(self, report: Report) -> LocalFile:
        """Return the dump that a report was made from. Uses a cached dump only if its digest matches.

        Raises:
            NotFoundError: The source does not have the dump.
            SourceError: The source cannot be read, or has a different dump.
        """
        hour, settings, digest = report.hour, self._session.settings, report.provenance.dump_sha256
        try:
            dump = await self._find_or_fetch_dump(hour, digest)
        except NotPublishedError as error:  # it was published: the lake has its report
            raise NotFoundError(error.message, "use a source that has the dump", setting="source") from error
        if dump.facts.sha256 != digest:
            raise SourceError(
                f"the dump of {hour} at {settings.source} is not the one that its report was made from",
                "use the source that the report was made from, or make the report again",
                setting="source",
                remedy="original_source",
                about=hour.iso,
            )
        return dump

    async def _find_or_fetch_dump(self, hour: Hour, digest: str) -> LocalFile:
        settings = self._session.settings
        dump = await asyncio.to_thread(find_dump, hour, settings)
        if dump is None or (dump.cached and await asyncio.to_thread(sha256_of, dump.path) != digest):
            return await self._fetch(lambda: fetch_dump(hour, self._session.client, settings, None))
        return dump


async def _rule_or_error(comparison: Awaitable[Rule]) -> Rule | PvtopError:
    """Return the rule, or the error if the source or the blacklist cannot be read."""
    try:
        return await comparison
    except (SourceError, BlacklistError) as error:
        return error


def _recount_dump(dump: LocalFile, provenance: Provenance, codes: Sequence[str], blacklist: pl.DataFrame) -> Recount:
    excluded = set(blacklist.filter(pl.col("domain_code").is_in(list(codes))).iter_rows())
    with reading(dump):
        return recount(dump.path, codes, excluded, provenance.top, keep_unknown=provenance.keep_unknown)
