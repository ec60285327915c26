"""What the hours of a run share; and a coroutine run from anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

from pvtop.core.hour import Hour
from pvtop.lake.lake import Lake
from pvtop.pipeline.compute import compute_report
from pvtop.pipeline.metrics import open_metrics
from pvtop.pipeline.plan import Fingerprint
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist, load_blacklist
from pvtop.sources.facts import LocalFile
from pvtop.sources.source import open_source
from pvtop.storage.http import Client
from pvtop.transform.report import RULES_VERSION, Report
from pvtop.validation.acceptance import accept

T = TypeVar("T")


def run_sync(step: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also where a loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(step)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, step).result()


class Session:
    """What the hours of a run share; an asynchronous context manager.

    Args:
        settings: The settings of the run.

    Attributes:
        lake: Where reports go.
        metrics: Told of every hour and of every retry.
        client: All HTTP of the run.
        computing: Taken for each report that is computed: two at once keep two cores busy, as each has stretches that
            use one only; more would only take memory.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lake = Lake(settings.output, settings.timeout)
        self.metrics = open_metrics(settings.statsd)
        self.client = Client(settings, lambda: self.metrics.count("retries"))
        self.source = open_source(settings.source, self.client)
        self.computing = asyncio.Semaphore(2)
        self._blacklist: Blacklist | None = None
        self._reading_blacklist = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.lake.close()
        self.metrics.close()
        await self.client.__aexit__()

    async def blacklist(self) -> Blacklist:
        """Give the blacklist, read once.

        Raises:
            BlacklistError: It cannot be had, or is none.
        """
        async with self._reading_blacklist:
            if self._blacklist is None:
                self._blacklist = await load_blacklist(self.client, self.settings)
            return self._blacklist

    async def recipe(self) -> Fingerprint:
        """Give what reports are made with, dumps apart."""
        blacklist = await self.blacklist()
        chosen = self.settings
        return Fingerprint(blacklist.sha256, chosen.top, chosen.keep_unknown, RULES_VERSION, chosen.malformed_limit)

    async def compute(self, hour: Hour, dump: LocalFile, started: Callable[[], None]) -> Report:
        """Compute the report of an hour, and validate it; tell when it is its turn."""
        blacklist = await self.blacklist()
        async with self.computing:
            started()
            report = await asyncio.to_thread(compute_report, hour, dump, blacklist, self.settings)
            await asyncio.to_thread(accept, report, blacklist.pages, self.lake, self.settings)
            return report
