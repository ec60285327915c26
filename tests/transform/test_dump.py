"""The lines and fields of a dump, on bytes typed by hand."""

from __future__ import annotations

import gzip
import random
import zlib

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pvtop.transform.dump import _read_at_once, _read_line_by_line, read_block, scan_blocks, well_formed

GOOD = "en A 1 0\n"


def scan(content: bytes | str) -> pl.LazyFrame:
    block = content if isinstance(content, bytes) else content.encode()
    return scan_blocks(lambda: iter([block]))


def rows(content: bytes | str) -> list[tuple[str, str, int]]:
    return well_formed(scan(content)).collect(engine="streaming").rows()


def malformed(content: bytes | str) -> list[str]:
    lost = scan(content).filter(pl.col("domain_code").is_null())
    return lost.select("page_title").collect(engine="streaming").to_series().to_list()


@pytest.mark.parametrize("line", ['"" Z11550 1 0', " Z11550 1 0"])
def test_line_with_either_spelling_of_the_empty_code_is_read_with_an_empty_code(line: str) -> None:
    assert rows(f"{line}\n{GOOD}{line}\n") == [("", "Z11550", 1), ("en", "A", 1), ("", "Z11550", 1)]


@pytest.mark.parametrize(
    "space", ["\u00a0", "\u3000", "\u2028", "\u0085", "\t", "\x0b", "\x0c", "\x1c", "\0", "\x1b", "\r"]
)
def test_white_space_and_control_characters_in_titles_are_kept(space: str) -> None:
    assert rows(f"en a{space}b 5 0\n{GOOD}") == [("en", f"a{space}b", 5), ("en", "A", 1)]


MALFORMED = [
    "Title 1 0",
    "en Title",
    "en",
    "en a b 1 0",
    "en a 1 0 0",
    "en a 1 0 ",
    "en  506 0",
    "en  a 1 0",
    "en a  0",
    "en a 1 ",
    " a 1",
    "en a 1.5 0",
    "en a 1e3 0",
    "en a +5 0",
    "en a -5 0",
    "en a -0 0",
    "en a 5 +0",
    "en a \t5 0",
    "en a 5 x",
    "en a ٣ 0",
    "en a 9223372036854775808 0",
    "en a 1 9223372036854775808",
    "en a 1_0 0",
    "\t",
    " ",
]


@pytest.mark.parametrize("line", MALFORMED)
@pytest.mark.parametrize("place", ["first", "middle", "last", "last without a newline", "only"])
def test_malformed_lines_are_skipped_and_kept_for_the_log(line: str, place: str) -> None:
    content = {
        "first": f"{line}\n{GOOD}{GOOD}",
        "middle": f"{GOOD}{line}\n{GOOD}",
        "last": f"{GOOD}{GOOD}{line}\n",
        "last without a newline": f"{GOOD}{GOOD}{line}",
        "only": f"{line}\n",
    }[place]
    assert rows(content) == ([] if place == "only" else [("en", "A", 1)] * 2)
    assert malformed(content) == [line]


@pytest.mark.parametrize(
    "content",
    [
        "en A 1 0\r\nen B 2 0\r\n",
        "\n\nen A 1 0\n\n\nen B 2 0\n\n",
        "\r\nen A 1 0\n\r\r\nen B 2 0\r",
        "en A 1 0\nen B 2 0",
    ],
)
def test_carriage_returns_and_blank_lines_are_dropped(content: str) -> None:
    assert rows(content) == [("en", "A", 1), ("en", "B", 2)]
    assert malformed(content) == []


def test_largest_count_and_leading_zeros_are_read() -> None:
    content = "en A 9223372036854775807 0\nen B 007 0\n" + f"en C {'0' * 40}7 0\n"
    assert rows(content) == [("en", "A", 2**63 - 1), ("en", "B", 7), ("en", "C", 7)]


def test_invalid_utf8_becomes_the_replacement_character() -> None:
    content = b"en Caf\xe9 5 0\n\xff \xe5\x8c 2 0\nen \xff\n"
    assert rows(content) == [("en", "Caf\ufffd", 5), ("\ufffd", "\ufffd", 2)]
    assert malformed(content) == ["en \ufffd"]


def test_byte_order_mark_is_dropped_at_the_start_only() -> None:
    assert rows("\ufeffen A 1 0\n\ufeffen B 2 0\n") == [("en", "A", 1), ("\ufeffen", "B", 2)]


@pytest.mark.parametrize(
    "lines",
    [
        GOOD,
        GOOD * 200_000,
        "en A 0 0\nen B 9 10\nen C 99 100\nen D 9223372036854775807 255\n",
        '"" Z 1 0\n Z 1 0\nen Главная 10 0\nen "a 5 0\nen a"b 5 0\nen \ta\x0b\u2028 5 0\n',
    ],
)
def test_fast_read_of_clean_lines_matches_the_slow_read(lines: str) -> None:
    found = _read_at_once(lines.encode())
    assert found is not None
    assert_frame_equal(found, _read_line_by_line(lines.encode()))


@pytest.mark.parametrize(
    "lines",
    [
        *(f"{GOOD}{line}\n{GOOD}" for line in MALFORMED),
        *(f"{line}\n{GOOD}" for line in MALFORMED),
        f"{GOOD}en a 5 0\r\n",
        f"{GOOD}\n{GOOD}",
        f"{GOOD}en a 007 0\n",
        f"{GOOD}en a 5 00\n",
        f"{GOOD}en a 5 256\n",
        f"\ufeff{GOOD}",
        f"{GOOD}en a 1\nen b 007 0\n",  # what one line lacks, another makes up for
        b"en \xff 5 0\n",
        gzip.compress(GOOD.encode(), mtime=0) + b"\n",
        zlib.compress(GOOD.encode() * 9) + b"\n",
    ],
)
def test_fast_read_refuses_unclean_lines(lines: str | bytes) -> None:
    assert _read_at_once(lines if isinstance(lines, bytes) else lines.encode()) is None


def test_block_that_looks_compressed_is_read_as_lines() -> None:
    """Polars inflates what begins like zlib: here to as many bytes as the block has, so that nothing would show."""
    size = next(size for size in range(30, 90) if len(packed(size)) == size)
    block = packed(size)
    assert _read_at_once(block) is None
    assert read_block(block).get_column("domain_code").null_count() == len(read_block(block)) > 0


def packed(size: int) -> bytes:
    """Pack a line of so many bytes, as lines that end with a newline."""
    line = b"en " + bytes(random.Random(size).choices(range(97, 123), k=20)) + b"A" * (size - 28) + b" 1 0\n"
    return zlib.compress(line, 9) + b"\n"
