"""Downloads that run ahead: of hours that are worked on later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from pvtop.core.hour import Hour


class DownloadsAhead:
    """The downloads of a run that began before the work on their hours.

    Args:
        at_once: How many run at the same time.
    """

    def __init__(self, at_once: int) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._running: dict[Hour, asyncio.Task[None]] = {}

    def begin(self, hour: Hour, download: Callable[[], Awaitable[None]]) -> None:
        """Begin to download the dump of an hour. Must be called in the loop of the run."""
        self._running[hour] = asyncio.create_task(self._run(download))

    async def _run(self, download: Callable[[], Awaitable[None]]) -> None:
        async with self._slots:
            await download()

    async def wait(self, hour: Hour) -> None:
        """Wait until the download of an hour has ended, if it has begun.

        Raises:
            PvtopError: The download failed.
        """
        if task := self._running.pop(hour, None):
            await task

    async def cancel(self, hours: Iterable[Hour] | None = None) -> None:
        """End the downloads of some hours that nobody waits for, by default of all."""
        chosen = list(self._running) if hours is None else [hour for hour in hours if hour in self._running]
        tasks = [self._running.pop(hour) for hour in chosen]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
