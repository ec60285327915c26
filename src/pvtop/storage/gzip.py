"""A gzip file: whether it is whole, and the lines that it inflates to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from isal import isal_zlib

from pvtop.core.errors import CorruptError, SourceError

MAGIC = b"\x1f\x8b"
LEAST = 18  # bytes of a member's header and trailer
GZIP = 31  # zlib's name for members of gzip with any window
READ = 1 << 18  # bytes read at a time
PIECE = 1 << 22  # bytes inflated at a time, at most
BLOCK = 1 << 23  # bytes of a block of lines, or more: half of it takes a tenth more time, twice takes but memory
OVERHEAD = 1 << 18  # bytes that a file may have more than it inflates to; no way of packing takes as many
MAX_LINE_BYTES = 1 << 24  # bytes; reading a line takes some five times its length, and those of dumps have hundreds
BROKEN = "it may still be being copied: try again later, from another --source, or replace the file"


def verify_gzip(path: Path, shown: str, max_bytes: int | None = None) -> str:
    """Inflate a file to its trailer, and give the sha256 of the file, in hex.

    Args:
        path: The file.
        shown: How to call it: its address, or its path.
        max_bytes: How many bytes it may inflate to.

    Raises:
        CorruptError, SourceError: As for `read_blocks`.
    """
    digest = hashlib.sha256()
    for _ in read_blocks(path, shown, max_bytes, digest.update):
        pass
    return digest.hexdigest()


def read_blocks(
    path: Path, shown: str, max_bytes: int | None = None, on_raw_bytes: Callable[[bytes], object] = lambda _: None
) -> Iterator[bytes]:
    """Inflate a file to its trailer, in blocks of whole lines: each ends with a newline, the last as the file does.

    Args:
        path: The file.
        shown: How to call it: its address, or its path.
        max_bytes: How many bytes it may inflate to.
        on_raw_bytes: Is handed the file's own bytes, too.

    Raises:
        CorruptError: The file is empty, truncated, corrupt, not gzip, gzip of nothing, or gzip packed once more.
        SourceError: It inflates to more than `max_bytes`, or holds a line that is longer than `MAX_LINE_BYTES`, to a
            `PIECE`; or it is longer itself, as members without content are, of which 1 GB takes minutes.
    """
    check_magic(path, shown)
    total = size = line = 0
    parts: list[bytes] = []
    for piece in _inflate(path, shown, on_raw_bytes):
        if not total and piece.startswith(MAGIC):
            raise CorruptError(f"{shown} is gzip packed once more, by its server or a proxy", BROKEN)
        end = piece.rfind(b"\n") + 1
        total, size, line = total + len(piece), size + len(piece), len(piece) - end + (0 if end else line)
        _check_lengths(shown, total, line, max_bytes)
        if end and size >= BLOCK:
            yield b"".join([*parts, piece[:end]])
            parts, size = [piece[end:]], line
        else:
            parts.append(piece)
    if not total:
        raise CorruptError(f"{shown} holds no lines", BROKEN)
    if size:
        yield b"".join(parts)


def _check_lengths(shown: str, total: int, line: int, max_bytes: int | None) -> None:
    if line > MAX_LINE_BYTES:
        raise SourceError(f"{shown} holds a line of more than {MAX_LINE_BYTES:,} bytes", "it is no dump; replace it")
    if max_bytes is not None and total > max_bytes:
        raise SourceError(f"{shown} inflates to more than {max_bytes:,} bytes", "PVTOP_MAX_INFLATED raises the limit")


def _inflate(path: Path, shown: str, on_raw_bytes: Callable[[bytes], object]) -> Iterator[bytes]:
    """Inflate a file piece by piece, strictly: members of gzip, each whole, and nothing after them.

    Raises:
        CorruptError: The file is something else.
        SourceError: It inflates to less than it has itself.
    """
    member, gained = None, OVERHEAD
    try:
        with path.open("rb") as file:
            while data := file.read(READ):
                on_raw_bytes(data)
                gained -= len(data)
                while data:
                    if not member and not data.startswith(MAGIC[: len(data)]):
                        raise CorruptError(f"{shown} is corrupt: its gzip stream is followed by something else", BROKEN)
                    member = member or isal_zlib.decompressobj(GZIP)
                    piece = member.decompress(data, PIECE)
                    gained += len(piece)
                    yield piece
                    data = member.unused_data if member.eof else member.unconsumed_tail
                    member = None if member.eof else member
                if gained < 0:
                    raise SourceError(f"{shown} is longer than what it inflates to", "it is no dump; replace it")
    except isal_zlib.error as error:  # type: ignore[misc]  # its type information takes the class for an instance
        raise CorruptError(f"{shown} is corrupt: {str(error).split(maxsplit=2)[2].lower()}", BROKEN) from error
    except OSError as error:
        raise CorruptError(f"{shown} cannot be read: {error.strerror}", BROKEN) from error
    if member:
        raise truncated(shown)


def check_magic(path: Path, shown: str) -> None:
    """Make sure that a file begins like gzip: Polars reads other files, too, and an empty one as no rows.

    Raises:
        CorruptError: It does not.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise CorruptError(f"{shown} cannot be read: {error.strerror}", BROKEN) from error
    if not start:
        raise CorruptError(f"{shown} is empty", BROKEN)
    if not start.startswith(MAGIC):
        begin = start.decode("utf-8", "replace").strip()[:40]
        raise CorruptError(f"{shown} is not gzip: it begins with {begin!r}", BROKEN)
    if len(start) < LEAST:
        raise truncated(shown)


def truncated(shown: str) -> CorruptError:
    """Say that a file breaks off."""
    return CorruptError(f"{shown} is truncated: the gzip stream breaks off before its end", BROKEN)


def sha256_of(path: Path) -> str:
    """Give the sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
