"""The session: the resources shared by the hours of a run. This module also runs coroutines from synchronous code."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from pvtop.core.address import Address
from pvtop.core.hour import Hour
from pvtop.lake.lake import Lake
from pvtop.pipeline.compute import compute_report
from pvtop.pipeline.downloads import DownloadsAhead
from pvtop.pipeline.metrics import open_metrics
from pvtop.pipeline.plan import Fingerprint, PlanContext
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist, load_blacklist
from pvtop.sources.cache import Cache
from pvtop.sources.facts import LocalFile
from pvtop.sources.source import list_month, open_source
from pvtop.storage.filesystem import ListedFile
from pvtop.storage.http import Client
from pvtop.transform.dump import OnRows
from pvtop.transform.report import RULES_VERSION, Report
from pvtop.validation.acceptance import accept

NOTICE_SIGNALS = 0.2  # seconds; a signal that the system delivers to another thread does not end a wait

T = TypeVar("T")

# Hours under way besides the downloads: two computing, two waiting for that. Limits memory, and the work lost on an
# interrupt.
BESIDE_DOWNLOADS = 4
AT_ONCE = 2  # dumps that are computed or read

log = logging.getLogger(__name__)


def run_sync(step: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, even if a loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(step)
    return _run_in_thread(step)


def _run_in_thread(step: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own. An interrupt, which only the main thread gets, cancels it."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = Future()

    async def run() -> T:
        task = asyncio.ensure_future(step)
        started.set_result((asyncio.get_running_loop(), task))
        return await task

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(asyncio.run, run())
        try:
            while not wait([running], NOTICE_SIGNALS).done:
                pass
            return running.result()
        except KeyboardInterrupt:
            loop, task = started.result()
            with contextlib.suppress(RuntimeError):  # the loop is closed: the coroutine has ended meanwhile
                loop.call_soon_threadsafe(task.cancel)
            raise


async def run_workers(work: Callable[[], Coroutine[None, None, None]], count: int) -> None:
    """Run a coroutine function several times at once. If one fails, stop the others and raise its error.

    Args:
        work: Takes work from an iterator that all share, until there is none.
        count: How many.
    """
    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(count):
                workers.create_task(work())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


class Session:
    """What the hours of a run share. Use it as an asynchronous context manager.

    Args:
        settings: The settings of the run.

    Attributes:
        settings: As given.
        started: When it was opened, by the clock of this machine.
        lake: Where reports go.
        cache: Where downloads are kept, and the digests of verified dumps.
        metrics: Counts every hour and every retry.
        client: All HTTP of the run.
        source: Where dumps come from.
        downloaded: The hours whose dumps this run has downloaded. They need not be downloaded again.
        ahead: The downloads for hours that are worked on later.
        compute_slots: Taken while a report is computed. Two at once keep two cores busy, as each uses only one core
            for part of the time. More would take memory and no less time.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.started = datetime.now(UTC)
        self.lake = Lake.of(settings)
        self.metrics = open_metrics(settings.statsd)
        self.cache = Cache(settings.cache_dir)
        self.client = Client(settings, lambda: self.metrics.count("retries"))
        self.source = open_source(settings.source, self.client)
        self.downloaded: set[Hour] = set()
        self.ahead = DownloadsAhead(settings.connections)
        self.compute_slots = asyncio.Semaphore(AT_ONCE)
        self._blacklist: Blacklist | None = None
        self._reading_blacklist = asyncio.Lock()
        self._listings: dict[str, asyncio.Future[dict[Hour, ListedFile]]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.ahead.cancel()
        self.lake.close()
        self.metrics.close()
        await self.client.__aexit__()

    @property
    def in_place(self) -> bool:
        """Whether the source is a local folder. Its dumps are then read in place, not copied to the cache."""
        return self.settings.source.local_path is not None

    def prune(self) -> None:
        """Remove old downloads from the cache by `cache_max_age` and `cache_max_size`, if they are set.

        Raises:
            OutputError: The cache folder cannot be read, or a dump cannot be removed.
        """
        max_age, max_size = self.settings.cache_max_age, self.settings.cache_max_size
        if max_age is None and max_size is None:
            return
        for dump in self.cache.prunable(max_age, max_size):
            if self.cache.remove(dump):
                log.info("removed %s from the cache", dump.path.name)

    def dump_address(self, hour: Hour) -> Address:
        """Return where the dump of an hour is at the source."""
        return self.settings.source.absolute() / hour.dump_path

    async def blacklist(self) -> Blacklist:
        """Return the blacklist. The first call reads it, and later calls reuse it.

        Raises:
            BlacklistError: It cannot be read or downloaded, or is not a blacklist.
        """
        async with self._reading_blacklist:
            if self._blacklist is None:
                found = self._blacklist = await load_blacklist(self.client, self.settings.blacklist)
                log.debug("blacklist %s: %s spellings, sha256 %s", found.address, f"{len(found.pages):,}", found.sha256)
            return self._blacklist

    async def context(self) -> PlanContext:
        """Return what plans depend on besides the facts of an hour.

        Raises:
            BlacklistError: As for `blacklist`.
        """
        return self._context((await self.blacklist()).sha256)

    def _context(self, blacklist_sha256: str | None) -> PlanContext:
        chosen = self.settings
        return PlanContext(
            Fingerprint(blacklist_sha256, chosen.top, chosen.keep_unknown, RULES_VERSION),
            malformed_limit=chosen.malformed_limit,
            in_place=self.in_place,
            offline=chosen.offline,
            check_source=chosen.check_source,
            refresh_dump=chosen.refresh_dump,
            force=chosen.force,
        )

    def dump_context(self) -> PlanContext:
        """Return what the plan of a day file depends on besides the facts of its hours. Needs no blacklist."""
        return self._context(None)

    async def list_month(self, month: str) -> Mapping[Hour, ListedFile]:
        """List the dumps of a month, `2019/2019-04`. Each month is listed once.

        Raises:
            SourceError: The source cannot be read.
        """
        if month not in self._listings:
            self._listings[month] = asyncio.ensure_future(list_month(self.source, month))
        return await self._listings[month]

    async def listing_at_hand(self, month: str) -> Mapping[Hour, ListedFile] | None:
        """Return the listing of a month from `list_month`, None if that month was not listed."""
        return await self._listings[month] if month in self._listings else None

    async def compute_and_accept(
        self,
        hour: Hour,
        dump: LocalFile,
        blacklist: Blacklist,
        started: Callable[[], None],
        on_rows: OnRows,
    ) -> Report:
        """Compute the report of an hour and check it against all rules.

        Args:
            hour: The hour.
            dump: Its dump.
            blacklist: The pages to exclude.
            started: Called when computing begins.
            on_rows: Called with all rows of each block, in the columns of `transform.dump.scan_blocks`.

        Raises:
            InvalidReportError: It breaks a rule, unless the settings turn validation off.
            SourceError, MalformedError: The dump cannot be read, or is not accepted.
        """
        async with self.compute_slots:
            started()
            report = await asyncio.to_thread(compute_report, hour, dump, blacklist, self.settings, on_rows)
            await asyncio.to_thread(accept, report, blacklist.pages, self.lake, self.settings)
            return report
