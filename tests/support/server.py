"""A web server on loopback that serves files as Wikimedia's does, and misbehaves to order."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import os
import socket
import ssl
import struct
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from functools import cache, partial
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from aiohttp import ClientSession, web
from cryptography import x509  # comes with moto
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from yarl import URL

Behaviour = Callable[[web.Request, "File"], Awaitable[web.StreamResponse]]


@dataclass
class File:
    """A file that is served.

    Attributes:
        content: Its bytes.
        modified: Its time, seconds since 1970.
        validators: Which of ETag and Last-Modified are sent.
    """

    content: bytes
    modified: float = 1_722_668_400.0
    validators: tuple[str, ...] = ("ETag", "Last-Modified")

    @property
    def headers(self) -> dict[str, str]:
        """ETag and Last-Modified, as far as they are sent."""
        etag = f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'
        headers = {"ETag": etag, "Last-Modified": formatdate(self.modified, usegmt=True)}
        return {name: headers[name] for name in self.validators}


class Loopback:
    """A web server on loopback; a context manager that runs it in a thread of its own.

    Attributes:
        url: Its address.
        tls: What it proves itself with, where it is to be one of https.
    """

    url: str = ""
    tls: ssl.SSLContext | None = None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        raise NotImplementedError

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

    async def _start(self) -> None:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self.serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self._runner.addresses[0][1]}"


def self_signed_certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate for loopback that is signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    packed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "certificate.pem").write_bytes(packed + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem")
    return context


@dataclass
class Server(Loopback):
    """The server of files.

    Attributes:
        files: What is served, by path, `/2024/2024-08/...`.
        script: What to do instead with the next requests for a path, one after the other.
        always: What to do instead with all the others.
        requests: What was asked for: path and headers.
        most_at_once: How many requests were under way at the same time, at most.
    """

    files: dict[str, File] = field(default_factory=dict)
    script: dict[str, list[Behaviour]] = field(default_factory=lambda: defaultdict(list))
    always: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    most_at_once: int = 0
    tls: ssl.SSLContext | None = None
    _open: int = 0

    def asked(self, path: str) -> list[dict[str, str]]:
        """Give the headers of each request for a path."""
        return [headers for asked, headers in self.requests if asked == path]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve a file or a listing, or misbehave."""
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
        """List a folder as nginx does: 50 characters of each name, time to the minute, exact size."""
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


def s3_error(status: int, code: str) -> Behaviour:
    """Answer with an error of S3's."""

    async def answer(_: web.Request, __: File) -> web.StreamResponse:
        return web.Response(status=status, text=f"<Error><Code>{code}</Code><Message>{code}</Message></Error>")

    return answer


@dataclass
class S3Proxy(Loopback):
    """Stands before an S3 server, and answers some requests in its stead.

    Attributes:
        upstream: The address of the S3 server.
        refused: How many requests it has answered so.
    """

    upstream: str
    refused: int = 0
    _when: Callable[[web.Request], bool] = lambda _: False
    _instead: Behaviour | None = None

    def raise_for_violations(self, status: int, code: str, *, times: int, method: str = "", key: str = "") -> None:
        """Answer the next requests (of a method, for keys with this in it) with an error of S3's."""
        self.misbehave(
            s3_error(status, code),
            lambda request: self.refused < times and method in {"", request.method} and key in request.path,
        )

    def misbehave(self, answer: Behaviour, when: Callable[[web.Request], bool]) -> None:
        """Answer some requests in another way."""
        self._instead, self._when = answer, when

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer, or hand the request on."""
        if self._instead and self._when(request):
            self.refused += 1
            return await self._instead(request, File(b""))
        async with (
            ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                URL(self.upstream + request.raw_path, encoded=True),
                headers=request.headers,
                data=await request.read(),
            ) as answer,
        ):
            headers = {name: value for name, value in answer.headers.items() if name != "Transfer-Encoding"}
            return web.Response(status=answer.status, headers=headers, body=await answer.read())


def _nginx_time(seconds: float) -> str:
    day, month, year, time = formatdate(seconds, usegmt=True)[5:].split()[:4]
    return f"{day}-{month}-{year} {time[:5]}"


def _asked(request: web.Request, file: File) -> tuple[int, dict[str, str], bytes]:
    """Give status, headers and body: of the whole file, or of the part that is asked for where it has not changed."""
    headers = {"Accept-Ranges": "bytes", "Content-Type": "application/gzip", **file.headers}
    wanted = request.headers.get("Range")
    if wanted and request.headers.get("If-Range") in file.headers.values():
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        headers["Content-Range"] = f"bytes {start}-{len(file.content) - 1}/{len(file.content)}"
        return 206, headers, file.content[start:]
    return 200, headers, file.content


async def whole(request: web.Request, file: File) -> web.StreamResponse:
    """Serve a file, or the part of it that is asked for where it has not changed."""
    code, headers, body = _asked(request, file)
    return web.Response(status=code, headers=headers, body=body)


async def _start(request: web.Request, file: File, length: int | None = None) -> tuple[web.StreamResponse, bytes]:
    """Send the head of what is asked for, with its length or another; give the response and the body."""
    code, headers, body = _asked(request, file)
    headers["Content-Length"] = str(len(body) if length is None else length)
    response = web.StreamResponse(status=code, headers=headers)
    await response.prepare(request)
    return response, body


def status(code: int, **headers: str) -> Behaviour:
    """Answer with a status; underscores in header names stand for hyphens."""

    async def answer(_: web.Request, __: File) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def html(_: web.Request, __: File) -> web.StreamResponse:
    """Answer with a web page and status 200, as captive portals do."""
    return web.Response(text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")


def cut(after: float, *, reset: bool = False) -> Behaviour:
    """Promise all that is asked for, send a share of it (or so many bytes), and close the connection, or reset it."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        response, body = await _start(request, file)
        await response.write(body[: int(after * len(body) if after < 1 else after)])
        hang_up(request, reset=reset)
        return response

    return answer


def hang_up(request: web.Request, *, reset: bool) -> None:
    """Close a connection: in good order (FIN), or not (RST)."""
    if request.transport is None:
        return
    if reset:
        linger = struct.pack("ii", 1, 0)
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    request.transport.close()


def no_answer(*, reset: bool) -> Behaviour:
    """Close the connection, or reset it, before a word."""

    async def answer(request: web.Request, _: File) -> web.StreamResponse:
        hang_up(request, reset=reset)
        return web.Response()

    return answer


def says(words: bytes) -> Behaviour:
    """Answer with what is no HTTP, or with more of it than fits."""

    async def answer(request: web.Request, _: File) -> web.StreamResponse:
        assert request.transport
        request.transport.write(words)
        hang_up(request, reset=False)
        return web.Response()

    return answer


def drips(start: Callable[[File], bytes], bit: bytes, every: float = 0.02) -> Behaviour:
    """Answer with a start, and then a bit more of it again and again, for longer than a client should wait."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        assert request.transport
        request.transport.write(start(file))
        for _ in range(int(9 / every)):
            request.transport.write(bit)
            await asyncio.sleep(every)  # cancelled when the client goes
        hang_up(request, reset=False)
        return web.Response()

    return answer


def _in_chunks(file: File) -> bytes:
    """Write a good answer in chunks, all but its very end."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + f"{len(file.content):x}\r\n".encode() + file.content + b"\r\n0\r\n"


async def slow_start(request: web.Request, file: File) -> web.StreamResponse:
    """Say nothing until the client has gone."""
    await asyncio.Event().wait()  # cancelled when the client goes
    return await whole(request, file)


def stall(after: float) -> Behaviour:
    """Send a share of what is asked for (or so many bytes), and then nothing until the client has gone."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        response, body = await _start(request, file)
        await response.write(body[: int(after * len(body) if after < 1 else after)])
        await asyncio.Event().wait()  # cancelled when the client goes
        return response

    return answer


def slow(pause: float = 0.02) -> Behaviour:
    """Serve a file in ten parts, with a pause after each."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        response, body = await _start(request, file)
        for place in range(0, len(body), len(body) // 10):
            await response.write(body[place : place + len(body) // 10])
            await asyncio.sleep(pause)
        return response

    return answer


async def trickle(request: web.Request, file: File) -> web.StreamResponse:
    """Send a little now and then, so that no single wait is long."""
    response, body = await _start(request, file)
    for place in range(0, len(body), len(body) // 100):
        await response.write(body[place : place + len(body) // 100])
        await asyncio.sleep(0.02)
    return response


def length(by: int) -> Behaviour:
    """Promise more bytes, or fewer, than there are, send them and close the connection."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        size = len(_asked(request, file)[2])
        response, body = await _start(request, file, size + by)
        await response.write(body[: len(body) + min(by, 0)])
        hang_up(request, reset=False)
        return response

    return answer


def instead(content: bytes, *, ranges: bool = True) -> Behaviour:
    """Serve other bytes under the same address, with their own validators; or all of them, whatever is asked for."""

    async def answer(request: web.Request, _: File) -> web.StreamResponse:
        return await whole(request if ranges else request.clone(headers={}), File(content))

    return answer


def altered(change: Callable[[bytes], bytes], encoding: str = "identity") -> Behaviour:
    """Serve a file that is not what it should be, or says that it is encoded."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        response = await whole(request, File(change(file.content)))
        response.headers["Content-Encoding"] = encoding
        return response

    return answer


async def chunked(request: web.Request, file: File) -> web.StreamResponse:
    """Serve a file without saying how long it is."""
    response = web.StreamResponse(headers=file.headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(file.content)
    await response.write_eof()
    return response


async def chunked_cut(request: web.Request, file: File) -> web.StreamResponse:
    """Do so, and break off half-way."""
    response = web.StreamResponse(headers=file.headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(file.content[: len(file.content) // 2])
    hang_up(request, reset=False)
    return response


async def endless(request: web.Request, __: File) -> web.StreamResponse:
    """Send far more than any file has."""
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        for _ in range(1_000):
            await response.write(GZIP_START + bytes(1 << 16))
    return response


async def changing(request: web.Request, _: File) -> web.StreamResponse:
    """Break off half-way, and have another file the next time."""
    return await cut(0.5)(request, File(gzip.compress(os.urandom(10_000), mtime=0)))


def spliced(*validators: str, longer: bytes = b"", later: float = 0, in_front: bytes = b"") -> Behaviour:
    """Break off half-way, and send the rest of another file, with its own validators, to whoever asks for the rest."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        if "Range" not in request.headers:
            return await cut(0.5)(request, File(file.content, validators=validators))
        other = File(in_front + file.content + longer, file.modified + later, validators)
        condition = next(iter(other.headers.values()))
        return await whole(request.clone(headers={**request.headers, "If-Range": condition}), other)

    return answer


def to_ranges(answer: Behaviour) -> Behaviour:
    """Break off half-way, and answer in this way to whoever asks for the rest."""

    async def choose(request: web.Request, file: File) -> web.StreamResponse:
        return await (answer if "Range" in request.headers else cut(0.5))(request, file)

    return choose


async def wrong_part(_: web.Request, file: File) -> web.StreamResponse:
    """Send another part than the one that is asked for."""
    size = len(file.content)
    return web.Response(status=206, headers={"Content-Range": f"bytes 0-9/{size}"}, body=file.content[:10])


async def elsewhere(request: web.Request, file: File) -> web.StreamResponse:
    """Send the client to another address of the same server, where the file is; behave there."""
    if request.query_string:
        return await whole(request, file)
    return web.Response(status=302, headers={"Location": f"http://localhost:{request.url.port}{request.path}?here"})


def around(request: web.Request, _: File) -> Awaitable[web.StreamResponse]:
    """Send the client where it is."""
    return status(302, Location=request.path)(request, _)


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def _two_members(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    return b"".join(gzip.compress(b"".join(part), mtime=0) for part in (lines[:50], lines[50:]))


@cache
def _bomb(unit: bytes) -> bytes:
    return gzip.compress(unit * (BOMB // len(unit)), 6, mtime=0)


GZIP_START = gzip.compress(b"", mtime=0)[:10]
BOMB = 1 << 25
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"

BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "0 bytes": lambda _: b"",
    "gzip of nothing": lambda _: gzip.compress(b"", mtime=0),
    "truncated": lambda content: content[: len(content) // 2],
    "trailer missing": lambda content: content[:-8],
    "bit flip": _flipped,
    "trailing junk": lambda content: content + b"junk",
    "trailing zeros": lambda content: content + bytes(512),
    "two members": _two_members,
    "bomb of lines": lambda _: _bomb(b"en A 5 0\n"),
    "bomb of one line": lambda _: _bomb(b"a"),
    "bomb of nothing": lambda content: content + 20_000 * gzip.compress(b"", mtime=0),
}
"""Everything that a dump can be instead, by the same names; two members are no fault, but seldom."""

FAULTS: dict[str, Behaviour] = {
    **{
        str(code): status(code)
        for code in [202, 204, 206, 301, 304, 307, 400, 401, 403, 404, 408, 410, 416, 425, 429, 451, *range(500, 505)]
    },
    "Retry-After, seconds": status(429, Retry_After="0"),
    "Retry-After, a date": status(503, Retry_After="Mon, 05 Aug 2024 07:51:00 GMT"),
    "Retry-After, an hour": status(429, Retry_After="3600"),
    "redirect elsewhere": elsewhere,
    "redirect in a loop": around,
    "redirect to file:": status(302, Location="file:///etc/passwd"),
    "redirect to ftp:": status(307, Location="ftp://127.0.0.1/dump.gz"),
    "redirect to nonsense": status(301, Location="http://["),
    "redirect to a name with a colon": status(302, Location="http://u%3Ap@127.0.0.1/"),
    "closed without an answer": no_answer(reset=False),
    "reset without an answer": no_answer(reset=True),
    "no HTTP": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "endless headers": says(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000),
    "slow start": slow_start,
    "stall": stall(0.5),
    "trickle": trickle,
    "head that trickles": drips(lambda _: b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "102 now and then": drips(lambda _: b"", PROCESSING),
    "102 without end": drips(lambda _: b"", PROCESSING * 100, every=0.001),
    "chunk size that trickles": drips(lambda file: _in_chunks(file)[:-3] + b"1;", b"x"),
    "trailer that trickles": drips(lambda file: _in_chunks(file) + b"X: ", b"x"),
    "closed half-way": cut(0.5),
    "reset half-way": cut(0.5, reset=True),
    "length too long": length(+100),
    "length too short": length(-100),
    "no length": chunked,
    "no length, closed half-way": chunked_cut,
    "changed on the way": changing,
    "changed on the way, and spliced": spliced("Last-Modified", longer=b"en Z\n" * 99, later=60),
    "range refused": to_ranges(status(416)),
    "range ignored": to_ranges(lambda request, file: whole(request.clone(headers={}), file)),
    "range wrong": to_ranges(wrong_part),
    "range after range broken": to_ranges(cut(0.5)),
    "endless": endless,
    "web page": html,
    **{name: altered(change) for name, change in BROKEN.items()},
    "packed bomb": altered(lambda _: _bomb(b"en A 5 0\n"), encoding="gzip"),
    "Content-Encoding: gzip": altered(lambda content: content, encoding="gzip"),
    "gzip within gzip": altered(partial(gzip.compress, mtime=0), encoding="gzip"),
    "packed and cut": altered(lambda content: gzip.compress(content, mtime=0)[:-20], encoding="gzip"),
}
"""Everything that the server can do to a client that asks for a file, as docs/failure-modes.md calls it."""
