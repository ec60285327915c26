"""A server of files: listings and ranges as Wikimedia's server sends them, and other behaviour to order."""

from __future__ import annotations

import hashlib
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate

from aiohttp import web

from support.server.loopback import Loopback

Behaviour = Callable[[web.Request, "File"], Awaitable[web.StreamResponse]]


@dataclass
class File:
    """A file that is served.

    Attributes:
        content: Its bytes.
        modified: Time of the last change, in seconds since 1970.
        validators: Which of ETag and Last-Modified are sent.
    """

    content: bytes
    modified: float = 1_722_668_400.0
    validators: tuple[str, ...] = ("ETag", "Last-Modified")

    @property
    def headers(self) -> dict[str, str]:
        """The validators that are sent: ETag, Last-Modified."""
        etag = f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'
        headers = {"ETag": etag, "Last-Modified": formatdate(self.modified, usegmt=True)}
        return {name: headers[name] for name in self.validators}


@dataclass
class Server(Loopback):
    """A server of files that can be told to misbehave.

    Attributes:
        files: The files by path, `/2024/2024-08/...`.
        script: How to answer the next requests for a path, one behaviour each.
        always: How to answer all other requests for a path.
        requests: Path and headers of each request.
        most_at_once: The largest number of requests that were open at the same time.
    """

    files: dict[str, File] = field(default_factory=dict)
    script: dict[str, list[Behaviour]] = field(default_factory=lambda: defaultdict(list))
    always: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    most_at_once: int = 0
    tls: ssl.SSLContext | None = None
    _open: int = 0

    def asked(self, path: str) -> list[dict[str, str]]:
        """Return the headers of each request for a path."""
        return [headers for asked, headers in self.requests if asked == path]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer with a file or a listing, or as told."""
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            return await self._answer(request)
        finally:
            self._open -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path, dict(request.headers)))
        file = self.files.get(request.path) or self._listing(request.path)
        if self.script[request.path]:
            return await self.script[request.path].pop(0)(request, file or File(b""))
        if request.path in self.always:
            return await self.always[request.path](request, file or File(b""))
        return await whole(request, file) if file else web.Response(status=404, text="404 Not Found")

    def _listing(self, folder: str) -> File | None:
        """Return a listing as nginx writes it: 50 characters of each name, time to the minute, exact size."""
        names = {path.removeprefix(folder).partition("/")[0] for path in self.files if path.startswith(folder)}
        if not folder.endswith("/") or not names:
            return None
        lines = []
        for name in sorted(names):
            file = self.files.get(folder + name)
            shown = name if len(name) <= 50 else name[:47] + "..>"
            if file is None:
                lines.append(f'<a href="{name}/">{shown}/</a>    03-Aug-2024 07:51       -')
            else:
                lines.append(f'<a href="{name}">{shown}</a>    {_nginx_time(file.modified)}    {len(file.content)}')
        page = "<html><body><h1>Index</h1><hr><pre>" + "\r\n".join(lines) + "</pre><hr></body></html>"
        return File(page.encode(), validators=())


def _nginx_time(seconds: float) -> str:
    day, month, year, time = formatdate(seconds, usegmt=True)[5:].split()[:4]
    return f"{day}-{month}-{year} {time[:5]}"


def requested_part(request: web.Request, file: File) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body: of the requested part if the file is unchanged, else of the whole file."""
    headers = {"Accept-Ranges": "bytes", "Content-Type": "application/gzip", **file.headers}
    wanted = request.headers.get("Range")
    if wanted and request.headers.get("If-Range") in file.headers.values():
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        headers["Content-Range"] = f"bytes {start}-{len(file.content) - 1}/{len(file.content)}"
        return 206, headers, file.content[start:]
    return 200, headers, file.content


async def whole(request: web.Request, file: File) -> web.StreamResponse:
    """Serve the requested part of a file if the file is unchanged, else the whole file."""
    code, headers, body = requested_part(request, file)
    return web.Response(status=code, headers=headers, body=body)


async def start_response(
    request: web.Request, file: File, length: int | None = None
) -> tuple[web.StreamResponse, bytes]:
    """Send the head of an answer, with the true length or another one. Return the response and the body."""
    code, headers, body = requested_part(request, file)
    headers["Content-Length"] = str(len(body) if length is None else length)
    response = web.StreamResponse(status=code, headers=headers)
    await response.prepare(request)
    return response, body
