"""Gzip files, whole and broken."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pvtop.core.errors import CorruptError, SourceError
from pvtop.storage.gzip import BLOCK, MAX_LINE_BYTES, PIECE, read_blocks, sha256_of, verify_gzip

GOOD = "en A 1 0\n"
PACKED = gzip.compress(bytes(range(256)) * 99, mtime=0)
BROKEN = {
    "an empty file": (b"", "is empty"),
    "a web page": (b"<!DOCTYPE html><title>No</title>", "is not gzip: it begins with '<!DOCTYPE html>"),
    "gzip of nothing": (gzip.compress(b"", mtime=0), "contains no lines"),
    "a truncated stream": (gzip.compress(GOOD.encode() * 9_000, mtime=0)[:-20], "is truncated"),
    "no more than the magic": (b"\x1f\x8b", "is truncated"),
    "a truncated header": (gzip.compress(b"", mtime=0)[:9], "is truncated"),
    "a truncated trailer": (gzip.compress(GOOD.encode() * 9_000, mtime=0)[:-3], "is truncated"),
    "a wrong checksum": (gzip.compress(GOOD.encode() * 9_000, mtime=0)[:-8] + bytes(8), "is corrupt"),
    "a flipped byte": (PACKED[:40] + bytes([PACKED[40] ^ 0xFF]) + PACKED[41:], "is "),
    "junk at the end": (gzip.compress(GOOD.encode(), mtime=0) + b"junk" * 9, "is corrupt"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_refused(tmp_path: Path, case: str) -> None:
    content, reason = BROKEN[case]
    path = tmp_path / "broken.gz"
    path.write_bytes(content)
    with pytest.raises(CorruptError, match=f"the dump {reason}"):
        verify_gzip(path, "the dump")


SMALL = gzip.compress(GOOD.encode() * 1_000, mtime=0)
TINY = gzip.compress(GOOD.encode(), mtime=0)
LONG = gzip.compress(b"x" * (MAX_LINE_BYTES + 2 * BLOCK), mtime=0)
EMPTY = gzip.compress(b"", mtime=0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(GOOD.encode() * 300_000, mtime=0), "inflates to more than 2,000,000 bytes"),
        (gzip.compress(GOOD.encode() * 300_000, mtime=0) + TINY, "inflates to more than 2,000,000 bytes"),
        (LONG, "contains a line of more than 16,777,216 bytes"),
        (LONG + TINY, "contains a line of more than 16,777,216 bytes"),
        (TINY + EMPTY * 30_000, "inflates to less than its own size"),
        (TINY * 30_000, "inflates to less than its own size"),
    ],
    ids=[
        "many lines", "many lines behind a small trailer", "a long line", "a long line behind a small trailer",
        "empty members", "small members",
    ],
)  # fmt: skip
def test_what_would_fill_the_memory_or_the_time_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "dump.gz"
    path.write_bytes(content)
    most = 2_000_000 if "inflates" in reason else 10**9
    with pytest.raises(SourceError, match=f"the dump {reason}"):
        verify_gzip(path, "the dump", most)


@pytest.mark.parametrize(
    ("content", "most"),
    [
        (SMALL, len(GOOD) * 1_000),
        (SMALL, 10**9),
        (gzip.compress(GOOD.encode() * 300_000, 0, mtime=0), 10**9),
        (gzip.compress(GOOD.encode() * 20, mtime=0) * 30_000, 10**9),
    ],
    ids=["as long as allowed", "short", "stored", "many members"],
)
def test_what_dumps_are_like_is_not(tmp_path: Path, content: bytes, most: int) -> None:
    path = tmp_path / "dump.gz"
    path.write_bytes(content)
    assert verify_gzip(path, "the dump", most) == sha256_of(path)


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("length", [1, 100, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, BLOCK - 1, BLOCK, BLOCK + 1])
def test_blocks_are_whole_lines(tmp_path: Path, length: int, end: str) -> None:
    lines = ["x" * (length - 1)] * (3 * BLOCK // length + 2) + ["", "last"]
    content = ("\n".join(lines) + end).encode()
    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(content, 1, mtime=0))
    blocks = list(read_blocks(path, "the dump"))
    assert b"".join(blocks) == content
    assert all(block.endswith(b"\n") and len(block) < BLOCK + PIECE + length for block in blocks[:-1])
    assert len(blocks) > 2
