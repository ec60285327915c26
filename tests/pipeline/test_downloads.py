"""Downloads that run ahead of the work on their hours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pvtop.core.errors import SourceError
from pvtop.core.hour import Hour, hour_range
from pvtop.pipeline.downloads import DownloadsAhead

HOURS = hour_range(Hour.parse("2024-08-03T01"), Hour.parse("2024-08-03T05"))


def test_no_more_downloads_run_than_allowed_and_each_is_waited_for() -> None:
    running, most, ended = 0, 0, list[Hour]()

    def download(hour: Hour) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            ended.append(hour)

        return run

    async def run() -> None:
        ahead = DownloadsAhead(2)
        for hour in HOURS:
            ahead.begin(hour, download(hour))
        for hour in HOURS:
            await ahead.wait(hour)
            assert hour in ended
            await ahead.wait(hour)  # nothing is left to wait for

    asyncio.run(run())
    assert most == 2


def test_failed_download_fails_who_waits_for_it() -> None:
    async def fail() -> None:
        raise SourceError("no")

    async def run() -> None:
        ahead = DownloadsAhead(1)
        ahead.begin(HOURS[0], fail)
        with pytest.raises(SourceError):
            await ahead.wait(HOURS[0])

    asyncio.run(run())


def test_cancelled_downloads_end_and_the_others_go_on() -> None:
    ended = list[Hour]()

    def download(hour: Hour) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(hour)

        return run

    async def run() -> None:
        ahead = DownloadsAhead(len(HOURS))
        for hour in HOURS:
            ahead.begin(hour, download(hour))
        await asyncio.sleep(0)
        await ahead.cancel(HOURS[:2])
        assert ended == HOURS[:2]
        await ahead.cancel()
        assert ended == HOURS

    asyncio.run(run())
