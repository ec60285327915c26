"""Gzip files: verified, and read in blocks of whole lines."""

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path

import pytest

from pvtop.core.errors import CorruptError, ExhaustedError, SourceError
from pvtop.storage.gzip import BLOCK, MAGIC, MAX_LINE_BYTES, PIECE, read_blocks, sha256_of, verify_gzip

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
def test_verify_gzip_refuses_damaged_files(tmp_path: Path, case: str) -> None:
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
def test_verify_gzip_refuses_files_that_exhaust_memory_or_time(tmp_path: Path, content: bytes, reason: str) -> None:
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
def test_verify_gzip_accepts_dumps_up_to_the_limits(tmp_path: Path, content: bytes, most: int) -> None:
    path = tmp_path / "dump.gz"
    path.write_bytes(content)
    assert verify_gzip(path, "the dump", most) == sha256_of(path)


@pytest.mark.parametrize(
    ("length", "end"),
    [
        *((length, "\n") for length in (1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, BLOCK - 1, BLOCK, BLOCK + 1)),
        *((length, "") for length in (100, PIECE, BLOCK)),
    ],
)
def test_read_blocks_yields_whole_lines(tmp_path: Path, length: int, end: str) -> None:
    lines = ["x" * (length - 1)] * (3 * BLOCK // length + 2) + ["", "last"]
    content = ("\n".join(lines) + end).encode()
    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(content, 1, mtime=0))
    blocks = list(read_blocks(path, "the dump"))
    assert b"".join(blocks) == content
    assert all(block.endswith(b"\n") and len(block) < BLOCK + PIECE + length for block in blocks[:-1])
    assert len(blocks) > 2


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"x" * (PIECE - 1) + b"\n" + MAGIC + b" 1 0\n", mtime=0),
        gzip.compress(GOOD.encode(), mtime=0) + gzip.compress(MAGIC + b" 1 0\n", mtime=0),
    ],
    ids=["piece", "member"],
)
def test_read_blocks_accepts_the_gzip_magic_after_the_first_bytes(tmp_path: Path, content: bytes) -> None:
    """A piece ends after `PIECE` bytes, and where a member ends: so the next piece begins with the magic."""
    path = tmp_path / "dump.gz"
    path.write_bytes(content)
    assert b"".join(read_blocks(path, "the dump")) == gzip.decompress(content)


def test_lack_of_file_descriptors_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(b"x\n"))
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ExhaustedError, match="too many open files"):
        list(read_blocks(path, "dump"))
