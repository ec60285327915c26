"""Every fault that a server, or a dump, can have."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache, partial

from support.server.behaviours import (
    altered,
    around,
    changing,
    chunked,
    chunked_cut,
    cut,
    drips,
    elsewhere,
    endless,
    html,
    in_chunks,
    length,
    no_answer,
    says,
    slow_start,
    spliced,
    stall,
    status,
    to_ranges,
    trickle,
    wrong_part,
)
from support.server.files import Behaviour, whole

BOMB = 1 << 25
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def _two_members(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    return b"".join(gzip.compress(b"".join(part), mtime=0) for part in (lines[:50], lines[50:]))


@cache
def _bomb(unit: bytes) -> bytes:
    return gzip.compress(unit * (BOMB // len(unit)), 6, mtime=0)


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
"""Ways to spoil a dump, named as in docs/failure-modes.md. Two members are valid gzip, but rare."""

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
    "chunk size that trickles": drips(lambda file: in_chunks(file)[:-3] + b"1;", b"x"),
    "trailer that trickles": drips(lambda file: in_chunks(file) + b"X: ", b"x"),
    "closed half-way": cut(0.5),
    "reset half-way": cut(0.5, reset=True),
    "length too long": length(+100),
    "length too short": length(-100),
    "no length": chunked,
    "no length, closed half-way": chunked_cut,
    "changed on the way": changing,
    "changed on the way, and spliced": spliced(
        "Last-Modified", later=60, change=lambda content: content + b"en Z\n" * 99
    ),
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
"""Ways to answer a request for a file wrongly, named as in docs/failure-modes.md."""
