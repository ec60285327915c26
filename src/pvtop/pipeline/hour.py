"""One hour, end to end: planned, and the plan carried out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeVar

from pvtop.core.errors import CorruptError, NotPublishedError, PvtopError, SourceError
from pvtop.core.hour import Hour, HourLike
from pvtop.core.states import HourState
from pvtop.lake.layout import domains_path, text_path, top_pages_path
from pvtop.pipeline.lookup import explain_unpublished
from pvtop.pipeline.metrics import count_hour, measure
from pvtop.pipeline.plan import Action, ActionKind, holds
from pvtop.pipeline.results import HourResult, Seconds
from pvtop.pipeline.session import Session, run_sync
from pvtop.pipeline.spool import HourSpool, Spooled, record_of
from pvtop.pipeline.survey import plan_hour
from pvtop.settings import Settings
from pvtop.sources.blacklists import WITHOUT_BLACKLIST, Blacklist
from pvtop.sources.download import Progress
from pvtop.sources.dumps import fetch_dump, find_dump, not_published
from pvtop.sources.facts import LocalFile
from pvtop.sources.listing import is_other
from pvtop.storage.http import offline
from pvtop.transform.day import DumpRecord
from pvtop.transform.dump import ignore_rows
from pvtop.transform.report import Provenance, Report
from pvtop.validation.acceptance import accept_replacement

T = TypeVar("T")

log = logging.getLogger(__name__)


def run_hour(
    hour: HourLike, settings: Settings, progress: Progress | None = None, computing: Callable[[], None] = lambda: None
) -> HourResult:
    """Make the report of one hour, unless the one in the lake is up to date.

    Works in a running event loop, too, as notebooks have one.

    Args:
        hour: The hour, named by its END: an `Hour`, a `datetime` with a time zone, or text such as `2024-12-31T14`.
        settings: Everything else.
        progress: Called after each chunk of a download with the bytes received and the bytes expected.
        computing: Called when computing begins.

    Returns:
        The state, `made` or `unchanged`, the provenance, and the paths of the files.

    Raises:
        UsageError: The value is not an hour.
        NotPublishedError: The source does not have the dump.
        PvtopError: Any other failure; `core.errors` lists the subclasses. The lake never shows a half-written report
            as complete.
    """
    wanted = Hour.at(hour)

    async def run() -> HourResult:
        async with Session(settings) as session:
            try:
                return await make_hour(HourWork(wanted, session, progress, computing))
            except NotPublishedError as error:
                if layout := await explain_unpublished([wanted], session.source):
                    raise NotPublishedError(error.message, layout, setting="source") from error
                raise

    return run_sync(run())


async def make_hour(work: HourWork) -> HourResult:
    """Plan one hour of a session, carry out the plan, and send metrics about it.

    Raises:
        PvtopError: As for `run_hour`.
    """
    session = work.session
    try:
        result = await work.run()
    except Exception as error:
        published = not isinstance(error, NotPublishedError)
        count_hour(session.metrics, HourState.FAILED if published else HourState.NOT_PUBLISHED)
        raise
    measure(session.metrics, result)
    return result


def reason_left(action: Action, settings: Settings) -> SourceError:
    """Return the error for an hour that is neither in the lake nor made: not published, or not downloaded offline."""
    if action.state is HourState.FAILED:
        return offline(f"the dump of {action.hour} at {settings.source}")
    return not_published(action.hour, settings.source)


class HourWork:
    """The work on one hour, from its plan to its result.

    Args:
        hour: The hour.
        session: The resources shared by the hours of a run.
        progress: Called after each chunk of a download with the bytes received and the bytes expected.
        computing: Called when computing begins.
        spool: The folder to which the rows of the dump are spooled, None if nobody needs them.

    Attributes:
        hour: As given.
        session: As given.
        spooled: The rows of the dump, if they were spooled.
        spool_error: Why they could not be spooled. The report does not need them.
    """

    def __init__(
        self,
        hour: Hour,
        session: Session,
        progress: Progress | None,
        computing: Callable[[], None],
        spool: Path | None = None,
    ) -> None:
        self.hour = hour
        self.session = session
        self._progress = progress
        self._computing = computing
        self._spool = spool
        self._started = monotonic()
        self.spooled: Spooled | None = None
        self.spool_error: PvtopError | None = None

    async def run(self) -> HourResult:
        """Plan the hour and carry the plan out."""
        await asyncio.to_thread(self.session.lake.prepare)
        action = await plan_hour(self.hour, self.session)
        log.debug("%s: planned as %s: %s", self.hour, action.kind, action.reason)
        match action.kind:
            case ActionKind.MAKE:
                return await self._make(await self.get_dump(action))
            case ActionKind.VERIFY:
                return await self._verify(action, await self.get_dump(action))
            case ActionKind.NONE:
                return self._leave(action)

    @property
    def spools(self) -> bool:
        """Whether the rows of the dump are wanted."""
        return self._spool is not None

    async def spool(self, action: Action) -> None:
        """Only spool the rows of the dump. It must meet the rules of a report, but for those about a blacklist.

        Args:
            action: How to get the dump.

        Raises:
            PvtopError: As for `run_hour`.
        """
        await self._compute(await self.get_dump(action), WITHOUT_BLACKLIST)
        if self.spool_error:
            raise self.spool_error

    def _leave(self, action: Action) -> HourResult:
        if not isinstance(action.provenance, Provenance):
            raise reason_left(action, self.session.settings)
        return self._result(HourState.UNCHANGED, action.provenance)

    async def _verify(self, action: Action, dump: LocalFile) -> HourResult:
        """Make the report again if it was made from a different dump."""
        if not holds(action, dump.facts.sha256):
            return await self._make(dump)
        return self._leave(action)

    async def _make(self, dump: LocalFile) -> HourResult:
        """Compute the report, check it, and write it."""
        session, begun = self.session, monotonic()
        report = await self._compute(dump, await session.blacklist())
        check = partial(accept_replacement, report, session.lake, session.settings)
        size = await asyncio.to_thread(session.lake.write, report, check)
        seconds = Seconds(begun - self._started, monotonic() - begun)
        return replace(self._result(HourState.MADE, report.provenance), written_bytes=size, seconds=seconds)

    async def read(self, dump: LocalFile, read: Callable[[LocalFile], Awaitable[T]]) -> T:
        """Return what a function reads from the dump. A cached dump that is corrupt is downloaded once more.

        Args:
            dump: The dump.
            read: Called with the dump, and once more with the new one.
        """
        try:
            return await read(dump)
        except CorruptError as error:
            if not dump.cached:
                raise
            log.warning("%s; downloading it again", error)
            return await read(await self._download())

    async def _compute(self, dump: LocalFile, blacklist: Blacklist) -> Report:
        """Compute the report and check it."""
        return await self.read(dump, partial(self._compute_once, blacklist))

    async def _compute_once(self, blacklist: Blacklist, dump: LocalFile) -> Report:
        spool = HourSpool(self.hour, self._spool) if self._spool else None
        on_rows = spool.add if spool else ignore_rows
        report = await self.session.compute_and_accept(self.hour, dump, blacklist, self._computing, on_rows)
        if spool:
            await self._end_spool(spool, record_of(self.hour, dump.facts, report.provenance))
        return report

    async def _end_spool(self, spool: HourSpool, record: DumpRecord) -> None:
        try:
            self.spooled = Spooled(record, await asyncio.to_thread(spool.end))
        except PvtopError as error:
            self.spool_error = error

    def download_ahead(self, action: Action, downloaded: Callable[[], object]) -> None:
        """Begin to download the dump if need be. `get_dump` waits for it.

        Args:
            action: How to get the dump.
            downloaded: Called when it is there.
        """

        async def download() -> None:
            await self._get_dump(action)
            downloaded()

        self.session.ahead.begin(self.hour, download)

    async def get_dump(self, action: Action) -> LocalFile:
        """Return the dump, downloaded if need be. Remember the digest of a dump in a folder."""
        await self.session.ahead.wait(self.hour)
        return await self._get_dump(action)

    async def _get_dump(self, action: Action) -> LocalFile:
        again = action.download and self.hour not in self.session.downloaded
        dump = None if again else await asyncio.to_thread(find_dump, self.hour, self.session.settings)
        if dump:
            log.debug("%s: found %s, %s bytes", self.hour, dump.path, f"{dump.facts.bytes:,}")
        if dump and dump.state:
            self.session.cache.remember_digest(dump.facts, dump.state.modified)
        if dump is None:
            dump = await self._download()
            await self._remember_download(dump)
        return dump

    async def _remember_download(self, dump: LocalFile) -> None:
        """Remember the digest of a downloaded dump if it is exactly the file that the source lists."""
        listing = await self.session.listing_at_hand(self.hour.month_folder) or {}
        listed = listing.get(self.hour)
        if listed and listed.modified and not is_other(listed, dump.facts.bytes, dump.facts.last_modified):
            self.session.cache.remember_digest(dump.facts, listed.modified)

    async def _download(self) -> LocalFile:
        dump = await fetch_dump(self.hour, self.session.client, self.session.settings, self._progress)
        self.session.downloaded.add(self.hour)
        return dump

    def _result(self, state: HourState, provenance: Provenance) -> HourResult:
        lake, hour = self.session.lake, self.hour
        return HourResult(
            hour,
            state,
            provenance,
            text=lake.path(text_path(hour)),
            top_pages=lake.path(top_pages_path(hour)),
            domains=lake.path(domains_path(hour)),
        )
