"""Whether the reports in a lake are valid: read back, held to every rule, and on request to what they were made of."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import TypeVar

import polars as pl

from pvtop._version import __version__
from pvtop.core.address import public
from pvtop.core.errors import BlacklistError, OutputError, PvtopError, SourceError, UnreachableError, UsageError
from pvtop.core.hour import Hour
from pvtop.pipeline.hour import Run, run_sync
from pvtop.settings import Settings
from pvtop.sources.cache import LocalFile
from pvtop.sources.dumps import Blacklist, fetch_dump, find_dump, obtain_blacklist
from pvtop.sources.projectviews import adding_up_to, fetch_projectviews
from pvtop.storage.atomic import in_use
from pvtop.storage.gzip import sha256_of
from pvtop.transform.blacklist import no_blacklist
from pvtop.transform.report import Provenance, Report
from pvtop.validation.acceptance import validators_for
from pvtop.validation.recount import Domain, Recount, recount
from pvtop.validation.rules import Failure, Validator, failures_of

AT_ONCE = 4  # hours under way; each holds a report

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checks:
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
class Validity:
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
    failures: Sequence[Failure] = ()
    uncompared: Sequence[PvtopError] = ()
    notes: Sequence[str] = ()
    recounted: Sequence[str] = ()


def lake_validity(hours: Sequence[Hour], settings: Settings, checks: Checks) -> list[Validity]:
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

    async def look() -> list[Validity]:
        async with Run(settings) as run:
            done = await asyncio.to_thread(run.lake.done, hours)
            inspection = _Inspection(run, checks)
            looked_at = await asyncio.gather(*(inspection.look(hour) for hour in hours if hour in done))
        by_hour = {validity.hour: validity for validity in looked_at}
        return [by_hour.get(hour, Validity(hour, done=False)) for hour in hours]

    return run_sync(look())


class _Inspection:
    """What the hours that are looked at share."""

    def __init__(self, run: Run, checks: Checks) -> None:
        self._run = run
        self._checks = checks
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._blacklists: dict[str, Blacklist | BlacklistError] = {}
        self._reading_blacklist = asyncio.Lock()
        self._answered = False
        self._silent: UnreachableError | None = None

    async def look(self, hour: Hour) -> Validity:
        async with self._slots:
            try:
                report = await asyncio.to_thread(self._run.lake.read, hour)
            except OutputError as error:
                return Validity(hour, failures=[Failure("it can be read", pl.DataFrame({"reason": [str(error)]}))])
            return await self._judge(report) if report else Validity(hour, done=False)

    async def _judge(self, report: Report) -> Validity:
        listed, codes = await self._blacklist(report.provenance), self._choose(report)
        totals = await _tried(self._totals(report.hour)) if self._checks.totals else None
        counted = await _tried(self._recount(report, codes, listed)) if codes else None
        compared = [it for it in (totals, counted) if isinstance(it, Validator)]
        rules = await asyncio.to_thread(self._rules, report, listed)
        failures = await asyncio.to_thread(failures_of, report, [*rules, *compared])
        notes = [f"not held to its blacklist: {listed}"] if isinstance(listed, BlacklistError) else []
        if failures and totals in compared and report.provenance.malformed:
            notes.append(f"{report.provenance.malformed:,} malformed lines were left out; projectviews may count them")
        return Validity(
            report.hour,
            failures=failures,
            uncompared=[it for it in (totals, counted) if isinstance(it, PvtopError)],
            notes=notes,
            recounted=codes if counted in compared else (),
        )

    def _rules(self, report: Report, listed: pl.DataFrame | BlacklistError) -> list[Validator]:
        """Choose what a report is held to by what the lake holds."""
        hour, lake = report.hour, self._run.lake
        pages = None if isinstance(listed, BlacklistError) else listed
        kept = [told_by(lake.text(hour)), told_by_domains(lake.provenance_of_domains(hour))]
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
            return await obtain_blacklist(self._run.client, settings)
        except BlacklistError as error:
            return error
        except UsageError as error:  # an address that is none, in a provenance
            return BlacklistError(error.message, error.hint)

    async def _totals(self, hour: Hour) -> Validator:
        return adding_up_to(await self._fetched(lambda: fetch_projectviews(hour, self._run.source)))

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

    async def _recount(self, report: Report, codes: Sequence[str], listed: pl.DataFrame | BlacklistError) -> Validator:
        if isinstance(listed, BlacklistError):
            raise listed
        dump = await self._dump(report)
        return agreeing_with(await asyncio.to_thread(_recounted, dump, report.provenance, codes, listed))

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


async def _tried(comparison: Awaitable[Validator]) -> Validator | PvtopError:
    """Give what a report is compared with; or why it cannot be had."""
    try:
        return await comparison
    except (SourceError, BlacklistError) as error:
        return error


def _recounted(dump: LocalFile, facts: Provenance, codes: Sequence[str], blacklist: pl.DataFrame) -> Recount:
    listed = set(blacklist.filter(pl.col("domain_code").is_in(list(codes))).iter_rows())
    with in_use(dump.path) if dump.cached else nullcontext():
        return recount(dump.path, codes, listed, facts.top, keep_unknown=facts.keep_unknown)


def agreeing_with(counted: Recount) -> Validator:
    """Make the rule that there are the domains that were found a second time, and that they hold what was counted."""

    def parting(report: Report) -> pl.DataFrame:
        there = set(report.domains.get_column("domain_code"))
        rows: list[tuple[str, str, str | None, str | None]] = [
            (code, "domain", "there" if code in there else None, "there" if code in counted.codes else None)
            for code in sorted(there ^ counted.codes)
        ]
        for code, domain in counted.domains.items():
            ours, theirs = _told(report, code), _counted(domain)
            parts = [what for what in ours | theirs if ours.get(what) != theirs.get(what)]
            rows += [(code, what, ours.get(what), theirs.get(what)) for what in parts]
        return pl.DataFrame(
            rows, schema=dict.fromkeys(["domain_code", "what", "report", "dump"], pl.String), orient="row"
        )

    return Validator("its domains hold what the dump does", parting)


def told_by(text: str | None) -> Validator:
    """Make the rule that the text report tells what the frames hold; another version may have put it otherwise."""

    def parting(report: Report) -> pl.DataFrame:
        if text is None:
            return pl.DataFrame({"text": ["missing"]})
        if report.provenance.version != __version__:
            return pl.DataFrame()
        lines = zip_longest(report.to_text().split("\n"), text.split("\n"))
        rows = [(number, ours, theirs) for number, (ours, theirs) in enumerate(lines, 1) if ours != theirs]
        return pl.DataFrame(rows, schema={"line": pl.Int64, "report": pl.String, "text": pl.String}, orient="row")

    return Validator("its text report tells the same", parting)


def told_by_domains(told: Provenance | None) -> Validator:
    """Make the rule that the domains tell the same provenance as the top pages: they are of one report."""

    def parting(report: Report) -> pl.DataFrame:
        ours, theirs = asdict(report.provenance), asdict(told) if told else {}
        rows = [(fact, str(value), str(theirs.get(fact))) for fact, value in ours.items() if value != theirs.get(fact)]
        return pl.DataFrame(rows, schema=dict.fromkeys(["fact", "top_pages", "domains"], pl.String), orient="row")

    return Validator("its domains tell the same provenance", parting)


def _told(report: Report, code: str) -> dict[str, str]:
    """Say what a report holds of a domain, in the words of `_counted`."""
    totals = report.domains.filter(domain_code=code).drop("domain_code").to_dicts()
    entries = report.top_pages.filter(domain_code=code).select("rank", "views", "page_title").rows()
    told = {name: str(count) for domain in totals for name, count in domain.items()}
    return told | {f"rank {rank}": f"{views} {title}" for rank, views, title in entries}


def _counted(domain: Domain) -> dict[str, str]:
    names = ("pages", "views", "blacklisted_pages", "blacklisted_views")
    counted = {name: str(getattr(domain, name)) for name in names}
    return counted | {f"rank {rank}": f"{views} {title}" for rank, (views, title) in enumerate(domain.ranked, 1)}
