"""A web server on loopback that serves files as Wikimedia's does, and misbehaves to order."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Self

from aiohttp import web

Behaviour = Callable[[web.Request, "File"], Awaitable[web.StreamResponse]]


@dataclass
class File:
    """A file that is served.

    Attributes:
        content: Its bytes.
        modified: Its time, seconds since 1970.
        validators: Whether ETag and Last-Modified are sent.
    """

    content: bytes
    modified: float = 1_722_668_400.0
    validators: bool = True

    @property
    def headers(self) -> dict[str, str]:
        """ETag and Last-Modified, as far as they are sent."""
        if not self.validators:
            return {}
        etag = f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'
        return {"ETag": etag, "Last-Modified": formatdate(self.modified, usegmt=True)}


@dataclass
class Server:
    """The server; a context manager that runs it in a thread of its own.

    Attributes:
        files: What is served, by path, `/2024/2024-08/...`.
        script: What to do instead with the next requests for a path, one after the other.
        requests: What was asked for: path and headers.
        most_at_once: How many requests were under way at the same time, at most.
    """

    files: dict[str, File] = field(default_factory=dict)
    script: dict[str, list[Behaviour]] = field(default_factory=lambda: defaultdict(list))
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    most_at_once: int = 0
    _open: int = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def asked(self, path: str) -> list[dict[str, str]]:
        """Give the headers of each request for a path."""
        return [headers for asked, headers in self.requests if asked == path]

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            return await self._answer(request)
        finally:
            self._open -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path, dict(request.headers)))
        file = self.files.get(request.path, File(b""))
        if self.script[request.path]:
            return await self.script[request.path].pop(0)(request, file)
        if request.path in self.files:
            return await whole(request, file)
        names = {
            path.removeprefix(request.path).partition("/")[0] for path in self.files if path.startswith(request.path)
        }
        if request.path.endswith("/") and names:
            return web.Response(text=self._listing(request.path, sorted(names)), content_type="text/html")
        return web.Response(status=404, text="404 Not Found")

    def _listing(self, folder: str, names: list[str]) -> str:
        """List a folder as nginx does: 50 characters of each name, time to the minute, exact size."""
        lines = []
        for name in names:
            file = self.files.get(folder + name)
            shown = name if len(name) <= 50 else name[:47] + "..>"
            if file is None:
                lines.append(f'<a href="{name}/">{shown}/</a>    03-Aug-2024 07:51       -')
            else:
                lines.append(f'<a href="{name}">{shown}</a>    {_nginx_time(file.modified)}    {len(file.content)}')
        return "<html><body><h1>Index</h1><hr><pre>" + "\r\n".join(lines) + "</pre><hr></body></html>"


def _nginx_time(seconds: float) -> str:
    day, month, year, time = formatdate(seconds, usegmt=True)[5:].split()[:4]
    return f"{day}-{month}-{year} {time[:5]}"


async def whole(request: web.Request, file: File) -> web.StreamResponse:
    """Serve a file, or the part of it that is asked for where it has not changed."""
    headers = {"Accept-Ranges": "bytes", **file.headers}
    wanted = request.headers.get("Range")
    if wanted and request.headers.get("If-Range") in file.headers.values():
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        headers["Content-Range"] = f"bytes {start}-{len(file.content) - 1}/{len(file.content)}"
        return web.Response(status=206, body=file.content[start:], headers=headers, content_type="application/gzip")
    return web.Response(body=file.content, headers=headers, content_type="application/gzip")


def status(code: int, **headers: str) -> Behaviour:
    """Answer with a status; underscores in header names stand for hyphens."""

    async def answer(_: web.Request, __: File) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def html(_: web.Request, __: File) -> Awaitable[web.StreamResponse]:
    """Answer with a web page and status 200, as captive portals do."""

    async def answer() -> web.StreamResponse:
        return web.Response(text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")

    return answer()


def cut(after: int) -> Behaviour:
    """Promise the whole file, send some bytes of what is asked for, and drop the connection."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(file.content)), **file.headers})
        await response.prepare(request)
        await response.write(file.content[:after])
        if request.transport:
            request.transport.close()
        return response

    return answer


def stall(after: int) -> Behaviour:
    """Send some bytes, and then nothing until the client has gone."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(file.content)), **file.headers})
        await response.prepare(request)
        await response.write(file.content[:after])
        await asyncio.Event().wait()  # cancelled when the client goes
        return response

    return answer


def instead(content: bytes, *, ranges: bool = True) -> Behaviour:
    """Serve other bytes under the same address, with their own validators; or all of them, whatever is asked for."""

    async def answer(request: web.Request, _: File) -> web.StreamResponse:
        return await whole(request if ranges else request.clone(headers={}), File(content))

    return answer


def chunked(request: web.Request, file: File) -> Awaitable[web.StreamResponse]:
    """Serve a file without saying how long it is."""

    async def answer() -> web.StreamResponse:
        response = web.StreamResponse(headers=file.headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(file.content)
        await response.write_eof()
        return response

    return answer()
