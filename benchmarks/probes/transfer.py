"""Download dumps from a throttled server, bare or with a command. Print the seconds and what the server saw.

    python transfer.py SOURCE 24                   download the first 24 dumps over three connections, and discard them
    python transfer.py SOURCE 24 pvtop batch ...   run the command with `--source ADDRESS` added

The server runs on loopback and has Wikimedia's limits: at most 3 connections, and a 503 for each further one; 5 MiB/s
for each connection after the first MiB. The seconds do not include the start of the server.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import IO, cast

import aiohttp
from aiohttp import web

CONNECTIONS = 3
RATE = 5 << 20  # bytes per second
AT_FULL_SPEED = 1 << 20  # bytes
CHUNK = 1 << 16


class Throttled:
    """A server of a folder. Records the most connections at once, refused requests, and user agents."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.under_way = self.most = self.refused = 0
        self.agents: set[str] = set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve a file slowly, or the listing of a folder in the format of nginx."""
        self.agents.add(request.headers.get("User-Agent", ""))
        path = self.root / request.path.strip("/")
        if path.is_dir():
            return web.Response(text=listing(path), content_type="text/html")
        if not path.is_file():
            return web.Response(status=404)
        if self.under_way == CONNECTIONS:
            self.refused += 1
            return web.Response(status=503)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await self._send(request, path)
        finally:
            self.under_way -= 1

    async def _send(self, request: web.Request, path: Path) -> web.StreamResponse:
        content = await asyncio.to_thread(path.read_bytes)
        response = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await response.prepare(request)
        started = monotonic()
        for sent in range(0, len(content), CHUNK):
            await asyncio.sleep(max(0, (sent - AT_FULL_SPEED) / RATE - (monotonic() - started)))
            await response.write(content[sent : sent + CHUNK])
        return response


def listing(folder: Path) -> str:
    """Return the listing of a folder in the format of nginx."""
    rows = [f'<a href="{it.name}">{it.name}</a>  03-Aug-2024 07:51  {it.stat().st_size}' for it in folder.iterdir()]
    return "<pre>" + "\n".join(rows) + "</pre>"


async def serve(root: Path) -> None:
    """Print the port, serve until standard input closes, then print what was recorded."""
    server = Throttled(root)
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    seen = {"connections": server.most, "refused": server.refused, "agents": sorted(server.agents)}
    print(json.dumps(seen), flush=True)
    await runner.cleanup()


async def fetch(addresses: Iterator[str]) -> None:
    """Download the files over three connections, and discard them."""

    async def worker(session: aiohttp.ClientSession) -> None:
        for address in addresses:
            async with session.get(address) as response:
                async for _ in response.content.iter_chunked(1 << 18):
                    pass

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        await asyncio.gather(*(worker(session) for _ in range(CONNECTIONS)))


def main(source: Path, count: int, command: list[str]) -> None:
    """Start the server, measure the transfer or the command, and stop the server."""
    serving = [sys.executable, __file__, "--serve", str(source)]
    with subprocess.Popen(serving, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        stdin, stdout = cast("IO[str]", server.stdin), cast("IO[str]", server.stdout)
        root = f"http://127.0.0.1:{int(stdout.readline())}"
        started = monotonic()
        if command:
            subprocess.run([*command, "--source", root], stdout=subprocess.DEVNULL, check=True)
        else:
            dumps = sorted(source.glob("*/*/pageviews-*.gz"))[:count]
            asyncio.run(fetch(iter([f"{root}/{dump.relative_to(source)}" for dump in dumps])))
        seconds = monotonic() - started
        stdin.close()
        print(json.dumps({"seconds": seconds, **json.loads(stdout.readline())}))


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        asyncio.run(serve(Path(sys.argv[2])))
    else:
        main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
