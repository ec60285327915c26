"""Whether the reports in a lake are valid: read back, held to every rule, and on request to what they were made of."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from pvtop.core.address import public
from pvtop.core.errors import BlacklistError, OutputError, PvtopError, SourceError, UnreachableError, UsageError
from pvtop.core.hour import Hour
from pvtop.pipeline.session import Session, run_sync
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist, load_blacklist
from pvtop.sources.dumps import fetch_dump, find_dump
from pvtop.sources.facts import LocalFile
from pvtop.sources.projectviews import fetch_projectviews
from pvtop.storage.gzip import sha256_of
from pvtop.storage.locks import shared_lock
from pvtop.transform.blacklist import no_blacklist
from pvtop.transform.report import Provenance, Report
from pvtop.validation.acceptance import validators_for
from pvtop.validation.comparisons import projectviews_match, provenance_matches, recount_matches, text_matches
from pvtop.validation.recount import Recount, recount
from pvtop.validation.rules import Rule, Violation, violations_of

AT_ONCE = 4  # hours under way; each holds a report

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What reports are held to beside the rules.

    Attributes:
        totals: The views of their domains, to the source's projectviews.
        recount: How many domains of each are counted anew from the dump; 0 for none.
        seed: Chooses these domains; the same seed, the same domains.
    """

    totals: bool = False
    recount: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AuditResult:
    """Whether the report of an hour is valid.

    Attributes:
        hour: The hour.
        done: Whether the lake holds it.
        failures: The rules that it breaks.
        uncompared: Why it could not be held to all that was asked for, which says nothing about it.
        notes: What was not looked at, and why.
        recounted: The domain codes that were counted anew.
    """

    hour: Hour
    done: bool = True
    failures: Sequence[Violation] = ()
    uncompared: Sequence[PvtopError] = ()
    notes: Sequence[str] = ()
    recounted: Sequence[str] = ()


def audit(hours: Sequence[Hour], settings: Settings, checks: AuditOptions) -> list[AuditResult]:
    """Hold the reports in a lake to every rule.

    The blacklist is the one that the settings name, and where they name none, the one that a report says it was made
    with. Where it is another by now or cannot be had, a note takes the place of the rule.

    Args:
        hours: The hours, done or not.
        settings: Where the lake is and, for `checks`, the source.
        checks: What else reports are held to.

    Returns:
        The validity of each hour, in the order of `hours`. A report that cannot be read is a failure of its hour; where
        its dump, its blacklist or the projectviews cannot be had, it is not compared with them.

    Raises:
        OutputError: The lake cannot be listed, or the cache cannot be written.
    """

    async def look() -> list[AuditResult]:
        async with Session(settings) as run:
            done = await asyncio.to_thread(run.lake.done, hours)
            inspection = _Inspection(run, checks)
            looked_at = await asyncio.gather(*(inspection.look(hour) for hour in hours if hour in done))
        by_hour = {validity.hour: validity for validity in looked_at}
        return [by_hour.get(hour, AuditResult(hour, done=False)) for hour in hours]

    return run_sync(look())


class _Inspection:
    """What the hours that are looked at share."""

    def __init__(self, run: Session, checks: AuditOptions) -> None:
        self._run = run
        self._checks = checks
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._blacklists: dict[str, Blacklist | BlacklistError] = {}
        self._reading_blacklist = asyncio.Lock()
        self._answered = False
        self._silent: UnreachableError | None = None

    async def look(self, hour: Hour) -> AuditResult:
        async with self._slots:
            try:
                report = await asyncio.to_thread(self._run.lake.read, hour)
            except OutputError as error:
                return AuditResult(hour, failures=[Violation("it can be read", pl.DataFrame({"reason": [str(error)]}))])
            return await self._judge(report) if report else AuditResult(hour, done=False)

    async def _judge(self, report: Report) -> AuditResult:
        listed, codes = await self._blacklist(report.provenance), self._choose(report)
        totals = await _tried(self._totals(report.hour)) if self._checks.totals else None
        counted = await _tried(self._recount(report, codes, listed)) if codes else None
        compared = [it for it in (totals, counted) if isinstance(it, Rule)]
        rules = await asyncio.to_thread(self._rules, report, listed)
        failures = await asyncio.to_thread(violations_of, report, [*rules, *compared])
        notes = [f"not held to its blacklist: {listed}"] if isinstance(listed, BlacklistError) else []
        if failures and totals in compared and report.provenance.malformed:
            notes.append(f"{report.provenance.malformed:,} malformed lines were left out; projectviews may count them")
        return AuditResult(
            report.hour,
            failures=failures,
            uncompared=[it for it in (totals, counted) if isinstance(it, PvtopError)],
            notes=notes,
            recounted=codes if counted in compared else (),
        )

    def _rules(self, report: Report, listed: pl.DataFrame | BlacklistError) -> list[Rule]:
        """Choose what a report is held to by what the lake holds."""
        hour, lake = report.hour, self._run.lake
        pages = None if isinstance(listed, BlacklistError) else listed
        kept = [text_matches(lake.text(hour)), provenance_matches(lake.provenance_of_domains(hour))]
        return validators_for(report, pages, lake, self._run.settings) + kept

    async def _blacklist(self, facts: Provenance) -> pl.DataFrame | BlacklistError:
        """Give the pages that a report was made without; or why they are not at hand."""
        if facts.blacklist_sha256 is None:
            return no_blacklist()
        settings = self._run.settings
        address = settings.blacklist if "blacklist" in settings.model_fields_set else facts.blacklist
        async with self._reading_blacklist:
            if address not in self._blacklists:
                self._blacklists[address] = await self._obtain(settings.model_copy(update={"blacklist": address}))
        found = self._blacklists[address]
        if isinstance(found, BlacklistError):
            return found
        if found.sha256 != facts.blacklist_sha256:
            message = f"the blacklist at hand, {found.address}, is another than the report was made with"
            return BlacklistError(message, "--blacklist names the one that it was made with")
        return found.pages

    async def _obtain(self, settings: Settings) -> Blacklist | BlacklistError:
        try:
            return await load_blacklist(self._run.client, settings)
        except BlacklistError as error:
            return error
        except UsageError as error:  # an address that is none, in a provenance
            return BlacklistError(error.message, error.hint)

    async def _totals(self, hour: Hour) -> Rule:
        return projectviews_match(await self._fetched(lambda: fetch_projectviews(hour, self._run.source)))

    async def _fetched(self, fetch: Callable[[], Awaitable[T]]) -> T:
        """Fetch something from the source. One that has only ever been silent is not asked again: it takes minutes."""
        if self._silent and not self._answered:
            raise self._silent
        try:
            found = await fetch()
        except UnreachableError as error:
            self._silent = error
            raise
        self._answered = True
        return found

    def _choose(self, report: Report) -> list[str]:
        codes = sorted(set(report.domains.get_column("domain_code")))
        draw = random.Random(f"{self._checks.seed} {report.hour.iso}")  # noqa: S311 - a sample, not a secret
        return sorted(draw.sample(codes, min(self._checks.recount, len(codes))))

    async def _recount(self, report: Report, codes: Sequence[str], listed: pl.DataFrame | BlacklistError) -> Rule:
        if isinstance(listed, BlacklistError):
            raise listed
        dump = await self._dump(report)
        return recount_matches(await asyncio.to_thread(_recounted, dump, report.provenance, codes, listed))

    async def _dump(self, report: Report) -> LocalFile:
        """Give the dump that a report was made from; what is cached counts where it is that one to the last byte.

        Raises:
            SourceError: It cannot be had, or the source has another one.
        """
        hour, settings, digest = report.hour, self._run.settings, report.provenance.dump_sha256
        dump = await asyncio.to_thread(find_dump, hour, settings)
        if dump is None or (dump.cached and await asyncio.to_thread(sha256_of, dump.path) != digest):
            dump = await self._fetched(lambda: fetch_dump(hour, self._run.client, settings, None))
        if dump.facts.sha256 != digest:
            raise SourceError(
                f"the dump of {hour} at {public(settings.source)} is another than its report was made from",
                "--source names where that one is; pvtop report makes the report again, from what the source has now",
            )
        return dump


async def _tried(comparison: Awaitable[Rule]) -> Rule | PvtopError:
    """Give what a report is compared with; or why it cannot be had."""
    try:
        return await comparison
    except (SourceError, BlacklistError) as error:
        return error


def _recounted(dump: LocalFile, facts: Provenance, codes: Sequence[str], blacklist: pl.DataFrame) -> Recount:
    listed = set(blacklist.filter(pl.col("domain_code").is_in(list(codes))).iter_rows())
    with shared_lock(dump.path) if dump.cached else nullcontext():
        return recount(dump.path, codes, listed, facts.top, keep_unknown=facts.keep_unknown)
