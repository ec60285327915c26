"""What a server can be told to do instead of serving a file."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from support.server.files import Behaviour, File, requested_part, start_response, whole

GZIP_START = gzip.compress(b"", mtime=0)[:10]


def status(code: int, **headers: str) -> Behaviour:
    """Answer with a status. Underscores in header names stand for hyphens."""

    async def answer(_: web.Request, __: File) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def html(_: web.Request, __: File) -> web.StreamResponse:
    """Answer with a web page and status 200, as captive portals do."""
    return web.Response(text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")


def cut(after: float, *, reset: bool = False) -> Behaviour:
    """Promise the whole answer, send a share of it (or a number of bytes), then close or reset the connection."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        response, body = await start_response(request, file)
        await response.write(body[: int(after * len(body) if after < 1 else after)])
        hang_up(request, reset=reset)
        return response

    return answer


def hang_up(request: web.Request, *, reset: bool) -> None:
    """Close a connection (FIN) or reset it (RST)."""
    if request.transport is None:
        return
    if reset:
        linger = struct.pack("ii", 1, 0)
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    request.transport.close()


def no_answer(*, reset: bool) -> Behaviour:
    """Close or reset the connection without an answer."""

    async def answer(request: web.Request, _: File) -> web.StreamResponse:
        hang_up(request, reset=reset)
        return web.Response()

    return answer


def says(words: bytes) -> Behaviour:
    """Answer with raw bytes, then close the connection."""

    async def answer(request: web.Request, _: File) -> web.StreamResponse:
        assert request.transport
        request.transport.write(words)
        hang_up(request, reset=False)
        return web.Response()

    return answer


def drips(start: Callable[[File], bytes], bit: bytes, every: float = 0.02) -> Behaviour:
    """Send a start, then one small piece after another, for longer than a client should wait."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        assert request.transport
        request.transport.write(start(file))
        for _ in range(int(9 / every)):
            request.transport.write(bit)
            await asyncio.sleep(every)  # cancelled when the client goes
        hang_up(request, reset=False)
        return web.Response()

    return answer


def in_chunks(file: File) -> bytes:
    """Return a chunked answer without its last line."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + f"{len(file.content):x}\r\n".encode() + file.content + b"\r\n0\r\n"


async def slow_start(request: web.Request, file: File) -> web.StreamResponse:
    """Send nothing until the client disconnects."""
    await asyncio.Event().wait()  # cancelled when the client goes
    return await whole(request, file)


def stall(after: float) -> Behaviour:
    """Send a share of the answer (or a number of bytes), then nothing until the client disconnects."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        response, body = await start_response(request, file)
        await response.write(body[: int(after * len(body) if after < 1 else after)])
        await asyncio.Event().wait()  # cancelled when the client goes
        return response

    return answer


def slow(pause: float = 0.02) -> Behaviour:
    """Serve a file in ten parts, with a pause after each."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        response, body = await start_response(request, file)
        for place in range(0, len(body), len(body) // 10):
            await response.write(body[place : place + len(body) // 10])
            await asyncio.sleep(pause)
        return response

    return answer


async def trickle(request: web.Request, file: File) -> web.StreamResponse:
    """Send a hundred small parts with short pauses, so that no single read is slow."""
    response, body = await start_response(request, file)
    for place in range(0, len(body), len(body) // 100):
        await response.write(body[place : place + len(body) // 100])
        await asyncio.sleep(0.02)
    return response


def length(by: int) -> Behaviour:
    """Promise more bytes, or fewer, than there are, send them and close the connection."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        size = len(requested_part(request, file)[2])
        response, body = await start_response(request, file, size + by)
        await response.write(body[: len(body) + min(by, 0)])
        hang_up(request, reset=False)
        return response

    return answer


def instead(content: bytes, *, ranges: bool = True) -> Behaviour:
    """Serve other bytes with their own validators. Without `ranges`, ignore the Range header."""

    async def answer(request: web.Request, _: File) -> web.StreamResponse:
        return await whole(request if ranges else request.clone(headers={}), File(content))

    return answer


def altered(change: Callable[[bytes], bytes], encoding: str = "identity") -> Behaviour:
    """Serve a changed file, perhaps with a Content-Encoding."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        response = await whole(request, File(change(file.content)))
        response.headers["Content-Encoding"] = encoding
        return response

    return answer


async def chunked(request: web.Request, file: File) -> web.StreamResponse:
    """Serve a file without a Content-Length."""
    response = web.StreamResponse(headers=file.headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(file.content)
    await response.write_eof()
    return response


async def chunked_cut(request: web.Request, file: File) -> web.StreamResponse:
    """Serve half of a file without a Content-Length, then close the connection."""
    response = web.StreamResponse(headers=file.headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(file.content[: len(file.content) // 2])
    hang_up(request, reset=False)
    return response


async def endless(request: web.Request, __: File) -> web.StreamResponse:
    """Send far more bytes than any file has."""
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        for _ in range(1_000):
            await response.write(GZIP_START + bytes(1 << 16))
    return response


async def changing(request: web.Request, _: File) -> web.StreamResponse:
    """Send half of a file that differs at each request, then close the connection."""
    return await cut(0.5)(request, File(gzip.compress(os.urandom(10_000), mtime=0)))


def spliced(*validators: str, later: float = 0, change: Callable[[bytes], bytes] = bytes) -> Behaviour:
    """Close half-way. Answer a request for the rest with the rest of another file, under that file's validators."""

    async def answer(request: web.Request, file: File) -> web.StreamResponse:
        if "Range" not in request.headers:
            return await cut(0.5)(request, File(file.content, validators=validators))
        other = File(change(file.content), file.modified + later, validators)
        condition = next(iter(other.headers.values()))
        return await whole(request.clone(headers={**request.headers, "If-Range": condition}), other)

    return answer


def to_ranges(answer: Behaviour) -> Behaviour:
    """Close half-way. Answer a request for the rest with the given behaviour."""

    async def choose(request: web.Request, file: File) -> web.StreamResponse:
        return await (answer if "Range" in request.headers else cut(0.5))(request, file)

    return choose


async def wrong_part(_: web.Request, file: File) -> web.StreamResponse:
    """Send another part than the requested one."""
    size = len(file.content)
    return web.Response(status=206, headers={"Content-Range": f"bytes 0-9/{size}"}, body=file.content[:10])


async def elsewhere(request: web.Request, file: File) -> web.StreamResponse:
    """Redirect to another address of this server, and serve the file there."""
    if request.query_string:
        return await whole(request, file)
    return web.Response(status=302, headers={"Location": f"http://localhost:{request.url.port}{request.path}?here"})


def around(request: web.Request, _: File) -> Awaitable[web.StreamResponse]:
    """Redirect to the requested address itself."""
    return status(302, Location=request.path)(request, _)
