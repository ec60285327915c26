"""The HTTP client, with a server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import random

from pvtop.settings import Settings
from pvtop.storage.http import Client
from support.server.behaviours import slow
from support.server.files import File, Server

PATH = "/dump.gz"
CONTENT = gzip.compress(random.Random(1).randbytes(1_000_000), mtime=0)


async def test_a_wait_for_a_connection_of_our_own_is_no_time_out(server: Server) -> None:
    server.files[PATH] = File(CONTENT[:1_000])
    server.always[PATH] = slow()
    limits = {"connections": 1, "attempts": 1, "connect_timeout": 0.1, "read_timeout": 0.4}
    async with Client(Settings.load(**limits)) as client:
        texts = await asyncio.gather(*(client.text(server.url + PATH) for _ in range(5)))
    assert len(set(texts)) == server.most_at_once == 1
