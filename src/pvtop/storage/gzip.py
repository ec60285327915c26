"""Verify a gzip file, and read it in blocks of whole lines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from isal import isal_zlib

from pvtop.core.address import AddressLike
from pvtop.core.errors import CorruptError, PvtopError, SourceError, exhausted
from pvtop.storage.regular_file import open_regular

MAGIC = b"\x1f\x8b"
NOT_A_DUMP = "it is not a dump; replace it"
MIN_BYTES = 18  # the header and the trailer of a member
GZIP_WBITS = 31  # zlib's number for gzip members with any window
READ_BYTES = 1 << 18  # bytes read at a time
PIECE = 1 << 22  # bytes inflated at a time, at most
BLOCK = 1 << 23  # least bytes of a block of lines: half of it takes a tenth more time, twice takes only more memory
MAX_OVERHEAD = 1 << 18  # bytes that a file may be larger than its content: more than any compressor adds
MAX_LINE_BYTES = 1 << 24  # a line takes about five times its length in memory; lines of dumps have hundreds of bytes


def verify_gzip(path: Path, origin: AddressLike, max_bytes: int | None = None) -> str:
    """Inflate a file up to its trailer. Return the sha256 of the file (not of its content) in hex.

    Args:
        path: The file.
        origin: Where it comes from, for messages.
        max_bytes: Maximum size after decompression, in bytes.

    Raises:
        CorruptError, SourceError: As for `read_blocks`.
    """
    digest = hashlib.sha256()
    for _ in read_blocks(path, origin, max_bytes, digest.update):
        pass
    return digest.hexdigest()


def read_blocks(
    path: Path,
    origin: AddressLike,
    max_bytes: int | None = None,
    on_raw_bytes: Callable[[bytes], object] = lambda _: None,
) -> Iterator[bytes]:
    """Inflate a file up to its trailer. Yield blocks of whole lines.

    Each block ends with a newline, except the last one if the file does not end with a newline.

    Args:
        path: The file.
        origin: Where it comes from, for messages.
        max_bytes: Maximum size after decompression, in bytes.
        on_raw_bytes: Called with the compressed bytes as they are read.

    Raises:
        CorruptError: The file is empty, truncated, corrupt, not gzip, decompresses to nothing, or is compressed twice.
        SourceError: The file decompresses to more than `max_bytes`, has a line longer than `MAX_LINE_BYTES` (checked
            once per `PIECE`), or is larger compressed than decompressed. The last check rejects files with many empty
            gzip members, which would take minutes to read.
    """
    check_magic(path, origin)
    total = size = line = 0
    parts: list[bytes] = []
    for piece in _inflate(path, origin, on_raw_bytes):
        if not total and piece.startswith(MAGIC):
            raise _corrupt(f"{origin} is compressed twice, by its server or a proxy")
        end = piece.rfind(b"\n") + 1
        total, size, line = total + len(piece), size + len(piece), len(piece) - end + (0 if end else line)
        _check_lengths(origin, total, line, max_bytes)
        if end and size >= BLOCK:
            yield b"".join([*parts, piece[:end]])
            parts, size = [piece[end:]], line
        else:
            parts.append(piece)
    if not total:
        raise _corrupt(f"{origin} contains no lines")
    if size:
        yield b"".join(parts)


def _check_lengths(origin: AddressLike, total: int, line: int, max_bytes: int | None) -> None:
    if line > MAX_LINE_BYTES:
        raise SourceError(f"{origin} contains a line of more than {MAX_LINE_BYTES:,} bytes", NOT_A_DUMP)
    if max_bytes is not None and total > max_bytes:
        raise SourceError(
            f"{origin} inflates to more than {max_bytes:,} bytes",
            "raise the limit if you trust the file",
            setting="max_inflated",
        )


def _inflate(path: Path, origin: AddressLike, on_raw_bytes: Callable[[bytes], object]) -> Iterator[bytes]:
    """Inflate a file piece by piece. Accept only complete gzip members with nothing after them.

    Raises:
        CorruptError: The file is something else.
        SourceError: The file is larger than its content.
    """
    member, gained = None, MAX_OVERHEAD
    try:
        with open_regular(path) as file:
            while data := file.read(READ_BYTES):
                on_raw_bytes(data)
                gained -= len(data)
                while data:
                    if not member and not data.startswith(MAGIC[: len(data)]):
                        raise _corrupt(f"{origin} is corrupt: other data follows its gzip stream")
                    member = member or isal_zlib.decompressobj(GZIP_WBITS)
                    piece = member.decompress(data, PIECE)
                    gained += len(piece)
                    yield piece
                    data = member.unused_data if member.eof else member.unconsumed_tail
                    member = None if member.eof else member
                if gained < 0:
                    raise SourceError(f"{origin} inflates to less than its own size", NOT_A_DUMP)
    except isal_zlib.error as error:  # type: ignore[misc]  # its type stub declares an instance
        raise _corrupt(f"{origin} is corrupt: {str(error).split(maxsplit=2)[2].lower()}") from error
    except OSError as error:
        raise _unreadable(origin, error) from error
    if member:
        raise truncated(origin)


def check_magic(path: Path, origin: AddressLike) -> None:
    """Check that a file begins like gzip.

    Raises:
        CorruptError: The file is empty, too short, or something else.
    """
    try:
        with open_regular(path) as file:
            start = file.read(64)
    except OSError as error:
        raise _unreadable(origin, error) from error
    if not start:
        raise _corrupt(f"{origin} is empty")
    if not start.startswith(MAGIC):
        begin = start.decode("utf-8", "replace").strip()[:40]
        raise _corrupt(f"{origin} is not gzip: it begins with {begin!r}")
    if len(start) < MIN_BYTES:
        raise truncated(origin)


def truncated(origin: AddressLike) -> CorruptError:
    """Return the error for a file whose gzip stream is incomplete."""
    return _corrupt(f"{origin} is truncated: its gzip stream ends too early")


def _unreadable(origin: AddressLike, error: OSError) -> PvtopError:
    """Return the error for a file that cannot be read. That the machine has no file descriptor left is no damage."""
    return exhausted(error) or _corrupt(f"cannot read {origin}: {error.strerror}")


def _corrupt(message: str) -> CorruptError:
    hint = "the copy may not be finished: try again later, replace the file, or use another source"
    return CorruptError(message, hint, setting="source")


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hex.

    Raises:
        OSError: The file cannot be read.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type] # it has readinto
