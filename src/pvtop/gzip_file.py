"""A gzip file: whether it is whole, and what it inflates to."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from pvtop.errors import CorruptError, SourceError

MAGIC = b"\x1f\x8b"
SIZE = struct.Struct("<I")  # the last field of a gzip member: its inflated bytes, modulo 2**32 (RFC 1952)
LEAST = 18  # bytes of a member's header and trailer
BLOCK = 1 << 20
LONGEST_LINE = 1 << 24  # bytes; reading a line takes some five times its length, and those of dumps have hundreds
DEFLATE_MOST = 1_032  # times its size is what deflate can inflate to at most (zlib's documentation)
DUMP_MOST = 8  # times its size is what a dump inflates to at most; it is 4 in fact
BROKEN = "it may still be being copied: try again later, from another --source, or replace the file"


def verify_gzip(path: Path, shown: str, most: int | None = None) -> str:
    """Inflate a file to its trailer, and give the sha256 of the file, in hex.

    Args:
        path: The file.
        shown: How to call it: its address, or its path.
        most: How many bytes it may inflate to.

    Raises:
        CorruptError: The file is empty, truncated, corrupt, not gzip, gzip of nothing, or gzip packed once more.
        SourceError: It inflates to more than `most` bytes, or holds a line that is longer than `LONGEST_LINE`, to a
            `BLOCK`.
    """
    check_magic(path, shown)
    digest = hashlib.sha256()
    total = line = 0
    for block in _inflate(path, shown, digest.update):
        if not total and block.startswith(MAGIC):
            raise CorruptError(f"{shown} is gzip packed once more, by its server or a proxy", BROKEN)
        total += len(block)
        line = len(block) - end - 1 if (end := block.rfind(b"\n")) >= 0 else line + len(block)
        _check_lengths(shown, total, line, most)
    if not total:
        raise CorruptError(f"{shown} holds no lines", BROKEN)
    return digest.hexdigest()


def _inflate(path: Path, shown: str, also: Callable[[bytes], object]) -> Iterator[bytes]:
    """Inflate a file block by block, as strictly as Polars does: members of gzip, each whole, and nothing after them.

    Args:
        path: The file.
        shown: How to call it.
        also: Is handed the file's own bytes, too.

    Raises:
        CorruptError: The file is something else.
    """
    member = None
    try:
        with path.open("rb") as file:
            while data := file.read(BLOCK):
                also(data)
                while data:
                    member = member or zlib.decompressobj(zlib.MAX_WBITS | 16)
                    yield member.decompress(data, BLOCK)
                    data = member.unused_data if member.eof else member.unconsumed_tail
                    member = None if member.eof else member
    except zlib.error as error:
        raise CorruptError(f"{shown} is corrupt: {str(error).rpartition(': ')[2]}", BROKEN) from error
    if member:
        raise truncated(shown)


def check_size(path: Path, shown: str, most: int) -> None:
    """Make sure that a dump which nobody has verified is not one that fills the memory.

    Its trailer tells what it inflates to. Where that is not what a dump does, or it cannot be true, the file is
    inflated to see; a dump is spared that.

    Raises:
        CorruptError, SourceError: As for `verify_gzip`.
    """
    size = path.stat().st_size
    if size * DEFLATE_MOST <= min(most, LONGEST_LINE):
        return
    claimed = inflated_size(path)
    if not size <= claimed <= min(most, size * DUMP_MOST):
        verify_gzip(path, shown, most)


def _check_lengths(shown: str, inflated: int, line: int, most: int | None) -> None:
    if most is not None and inflated > most:
        raise SourceError(f"{shown} inflates to more than {most:,} bytes", "PVTOP_MAX_INFLATED raises the limit")
    if line > LONGEST_LINE:
        raise SourceError(f"{shown} holds a line of more than {LONGEST_LINE:,} bytes", "it is no dump; replace it")


def inflated_size(path: Path) -> int:
    """Give what the trailer of a gzip file says it inflates to, in bytes, modulo 2**32.

    It is true of a sound file with one member below 4 GiB; of others it may be anything.
    """
    with path.open("rb") as file:
        file.seek(-SIZE.size, os.SEEK_END)
        (inflated,) = SIZE.unpack(file.read())
    return cast("int", inflated)


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
