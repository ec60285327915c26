"""The HTTP client, with a server on loopback."""

from __future__ import annotations

import asyncio

import pytest

from pvtop.settings import Settings
from pvtop.storage.http import Client
from support.clock import LoopClock
from support.server.files import File, Server

PATH = "/listing/"


async def test_timeout_does_not_count_the_wait_for_a_free_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files[PATH] = File(b"a listing")
    clock = LoopClock(monkeypatch)
    settings = Settings.load(connections=1, attempts=1)
    async with Client(settings) as client:
        async with client.get(server.url + PATH) as response:
            await response.read()
            waiting = asyncio.create_task(client.text(server.url + PATH))
            await clock.set_forward(0)
            await clock.set_forward(2 * settings.timeout)
            assert len(server.requests) == 1
            assert not waiting.done()
        assert await waiting == "a listing"
