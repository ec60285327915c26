"""Measure a batch over the network against the bare transfer of the same files, from a server that holds both back.

    python benchmarks/transfer.py /tmp/big --day 2024-08-03 --work /tmp/transfer

The server runs on loopback by Wikimedia's rules: at most 3 connections, more get a 503; 5 MiB/s each after the first
MiB. Bare: three connections that fetch one file after the other and throw it away. Then `pvtop batch` with as many.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import IO, cast

import aiohttp
from aiohttp import web

CONNECTIONS = 3
RATE = 5 << 20  # bytes a second
AT_FULL_SPEED = 1 << 20  # bytes
CHUNK = 1 << 16


class Throttled:
    """A server of a folder, with what it has seen: the most connections at once, and who asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.under_way = self.most = self.refused = 0
        self.agents: set[str] = set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve a file slowly, or a folder's listing as nginx writes it."""
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
    """List a folder as nginx does."""
    rows = [f'<a href="{it.name}">{it.name}</a>  03-Aug-2024 07:51  {it.stat().st_size}' for it in folder.iterdir()]
    return "<pre>" + "\n".join(rows) + "</pre>"


async def serve(root: Path) -> None:
    """Serve until stdin closes; tell the port first, and what was seen last."""
    server = Throttled(root)
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    seen = {"most_connections": server.most, "refused": server.refused, "agents": sorted(server.agents)}
    print(json.dumps(seen), flush=True)
    await runner.cleanup()


async def fetch(addresses: Iterator[str]) -> None:
    """Fetch one file after the other, over three connections."""

    async def worker(session: aiohttp.ClientSession) -> None:
        for address in addresses:
            async with session.get(address) as response:
                async for _ in response.content.iter_chunked(1 << 18):
                    pass

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        await asyncio.gather(*(worker(session) for _ in range(CONNECTIONS)))


def measure(source: Path, day: str, work: Path) -> dict[str, object]:
    """Measure both, and give seconds, their ratio and what the server saw."""
    files = sorted(source.glob(f"*/*/pageviews-{day.replace('-', '')}-*.gz"))
    figures: dict[str, object] = {"hours": len(files), "bytes": sum(file.stat().st_size for file in files)}
    for kind in ("bare", "batch"):
        shutil.rmtree(work, ignore_errors=True)
        command = [sys.executable, __file__, str(source), "--serve"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            stdin, stdout = cast("IO[str]", server.stdin), cast("IO[str]", server.stdout)
            root = f"http://127.0.0.1:{int(stdout.readline())}"
            started = monotonic()
            if kind == "bare":
                asyncio.run(fetch(iter([f"{root}/{file.relative_to(source)}" for file in files])))
            else:
                batch(root, day, work)
            figures[f"{kind}_seconds"] = round(monotonic() - started, 2)
            stdin.close()
            figures[f"{kind}_server"] = json.loads(stdout.readline())
    return figures


def batch(root: str, day: str, work: Path) -> None:
    """Run `pvtop batch` as a user does, and see that it made every hour."""
    command = [str(Path(sys.executable).with_name("pvtop")), "batch", "--start", day, "--source", root, "--json"]
    command += ["--blacklist", "none", "--contact", "bench@example.org"]
    command += ["--output", str(work / "lake"), "--cache-dir", str(work / "cache")]
    done = subprocess.run(
        command, env=os.environ | {"PVTOP_CONNECTIONS": str(CONNECTIONS)}, stdout=subprocess.PIPE, check=True
    )
    counts = json.loads(done.stdout)["counts"]
    if set(counts) - {"done", "written"} or counts["done"]:
        raise SystemExit(f"not every hour was made: {counts}")


def main() -> None:
    """Measure, or be the server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="a folder with the hours of a day, as generate_hour.py writes them")
    parser.add_argument("--day", default="2024-08-03")
    parser.add_argument("--work", type=Path, help="a folder for cache and lake, which is emptied")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.source))
        return
    figures = measure(args.source, args.day, args.work)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
