"""Lines, fields and titles, on files."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pvtop.core.errors import CorruptError
from pvtop.sources.dumps import scan_dump, scan_rows
from pvtop.storage.gzip import BLOCK, verify_gzip
from pvtop.transform.dump import _read_at_once, _read_line_by_line, read_block
from pvtop.transform.titles import decode_title, encode_titles
from support.samples import WriteDump

GOOD = "en A 1 0\n"


def rows(path: Path) -> list[tuple[str, str, int]]:
    return scan_dump(path).collect(engine="streaming").rows()


def malformed(path: Path) -> list[str]:
    lost = scan_rows(path).filter(pl.col("domain_code").is_null())
    return lost.select("page_title").collect(engine="streaming").to_series().to_list()


def test_columns(write_dump: WriteDump) -> None:
    schema = {"domain_code": pl.String, "page_title": pl.String, "views": pl.Int64}
    path = write_dump(GOOD)
    assert scan_dump(path).collect_schema() == schema
    assert scan_dump(path).collect(engine="streaming").schema == schema


@pytest.mark.parametrize(
    ("written", "title"),
    [
        (r'"\"Heroes\""', '"Heroes"'),
        (r'"a\"b"', 'a"b'),
        (r'"\\\"q"', r"\"q"),
        (r"AC\DC", r"AC\DC"),
        ("q\\", "q\\"),
        ("'apos'", "'apos'"),
        ("#hash", "#hash"),
        ("a,b", "a,b"),
        ('"Heroes"', '"Heroes"'),  # raw, from before February 2023
        ('a"b', 'a"b'),
        (r'"a\"b', r'"a\"b'),  # not closed
        (r'"a\nb\"c"', r'"a\nb\"c"'),  # a backslash that escapes neither quote nor backslash
        ('"', '"'),
        ('""', '""'),
    ],
)
def test_titles_of_both_eras(write_dump: WriteDump, written: str, title: str) -> None:
    assert rows(write_dump(f"en {written} 5 0\n")) == [("en", title, 5)]


@pytest.mark.parametrize("line", ['"" Z11550 1 0', " Z11550 1 0"])
def test_the_empty_code_in_both_spellings(write_dump: WriteDump, line: str) -> None:
    assert rows(write_dump(f"{line}\n{GOOD}{line}\n")) == [("", "Z11550", 1), ("en", "A", 1), ("", "Z11550", 1)]


@pytest.mark.parametrize(
    "space", ["\u00a0", "\u3000", "\u2028", "\u0085", "\t", "\x0b", "\x0c", "\x1c", "\0", "\x1b", "\r"]
)
def test_white_space_and_control_characters_stay_in_titles(write_dump: WriteDump, space: str) -> None:
    assert rows(write_dump(f"en a{space}b 5 0\n{GOOD}")) == [("en", f"a{space}b", 5), ("en", "A", 1)]


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
def test_malformed_lines_are_left_out_and_kept_for_the_log(write_dump: WriteDump, line: str, place: str) -> None:
    content = {
        "first": f"{line}\n{GOOD}{GOOD}",
        "middle": f"{GOOD}{line}\n{GOOD}",
        "last": f"{GOOD}{GOOD}{line}\n",
        "last without a newline": f"{GOOD}{GOOD}{line}",
        "only": f"{line}\n",
    }[place]
    path = write_dump(content)
    assert rows(path) == ([] if place == "only" else [("en", "A", 1)] * 2)
    assert malformed(path) == [line]


@pytest.mark.parametrize(
    "content",
    [
        "en A 1 0\r\nen B 2 0\r\n",
        "\n\nen A 1 0\n\n\nen B 2 0\n\n",
        "\r\nen A 1 0\n\r\r\nen B 2 0\r",
        "en A 1 0\nen B 2 0",
    ],
)
def test_line_ends_and_blank_lines(write_dump: WriteDump, content: str) -> None:
    path = write_dump(content)
    assert rows(path) == [("en", "A", 1), ("en", "B", 2)]
    assert malformed(path) == []


def test_the_largest_count_and_leading_zeros(write_dump: WriteDump) -> None:
    content = "en A 9223372036854775807 0\nen B 007 0\n" + f"en C {'0' * 40}7 0\n"
    assert rows(write_dump(content)) == [("en", "A", 2**63 - 1), ("en", "B", 7), ("en", "C", 7)]


def test_what_is_not_utf8_becomes_the_replacement_character(write_dump: WriteDump) -> None:
    path = write_dump(b"en Caf\xe9 5 0\n\xff \xe5\x8c 2 0\nen \xff\n")
    assert rows(path) == [("en", "Caf\ufffd", 5), ("\ufffd", "\ufffd", 2)]
    assert malformed(path) == ["en \ufffd"]


def test_a_byte_order_mark_is_no_part_of_the_first_code(write_dump: WriteDump) -> None:
    assert rows(write_dump("\ufeffen A 1 0\n\ufeffen B 2 0\n")) == [("en", "A", 1), ("\ufeffen", "B", 2)]


def test_lines_longer_than_a_chunk(write_dump: WriteDump) -> None:
    title = "x" * 10_000_000
    assert rows(write_dump(f"{GOOD}en {title} 5 0\n{GOOD}")) == [("en", "A", 1), ("en", title, 5), ("en", "A", 1)]


def test_more_than_one_gzip_member(tmp_path: Path) -> None:
    path = tmp_path / "two.gz"
    path.write_bytes(gzip.compress(b"en A 1 0\nen B", mtime=0) + gzip.compress(b" 2 0\n", mtime=0))
    assert rows(path) == [("en", "A", 1), ("en", "B", 2)]
    verify_gzip(path, "it")


@pytest.mark.parametrize(
    "lines",
    [
        GOOD,
        GOOD * 200_000,
        "en A 0 0\nen B 9 10\nen C 99 100\nen D 9223372036854775807 255\n",
        '"" Z 1 0\n Z 1 0\nen Главная 10 0\nen "a 5 0\nen a"b 5 0\nen \ta\x0b\u2028 5 0\n',
    ],
)
def test_clean_lines_are_proven_to_be_read_right(lines: str) -> None:
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
def test_lines_that_are_not_clean_are_noticed(lines: str | bytes) -> None:
    assert _read_at_once(lines if isinstance(lines, bytes) else lines.encode()) is None


def test_lines_that_look_packed_are_read_as_they_stand() -> None:
    """Polars inflates what begins like zlib: here to as many bytes as the block has, so that nothing would show."""
    size = next(size for size in range(30, 90) if len(packed(size)) == size)
    block = packed(size)
    assert _read_at_once(block) is None
    assert read_block(block).get_column("domain_code").null_count() == len(read_block(block)) > 0


def packed(size: int) -> bytes:
    """Pack a line of so many bytes, as lines that end with a newline."""
    line = b"en " + bytes(random.Random(size).choices(range(97, 123), k=20)) + b"A" * (size - 28) + b" 1 0\n"
    return zlib.compress(line, 9) + b"\n"


def test_a_line_that_is_not_clean_slows_down_its_own_block_only(write_dump: WriteDump) -> None:
    many = GOOD * (BLOCK // len(GOOD) + 1)
    path = write_dump(f"{many}\ufeff{many}en B 007 0\r\n{GOOD}")
    found = scan_rows(path).collect(engine="streaming")
    once, end = [("en", "A", 1)], [("en", "B", 7), ("en", "A", 1)]
    count = len(many) // len(GOOD)
    assert found.rows() == [*once * count, ("\ufeffen", "A", 1), *once * (count - 1), *end]


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_a_dump_may_be_read_in_part(write_dump: WriteDump, engine: Literal["streaming", "in-memory"]) -> None:
    dump = scan_dump(write_dump("en A 1 0\nbroken\nen B 2 0\nde C 3 0\n" + "fr D 9 0\n" * (BLOCK // 4)))
    whole = dump.collect()
    parts: list[Callable[[Any], Any]] = [
        lambda frame: frame.head(2),
        lambda frame: frame.head(0),
        lambda frame: frame.slice(1, 2),
        lambda frame: frame.filter(pl.col("views") > 1).head(2),
        lambda frame: frame.head(2).filter(pl.col("views") > 1),
        lambda frame: frame.select("page_title").tail(1),
        lambda frame: frame.filter(domain_code="de").select("views"),
        lambda frame: frame.select(pl.len(), pl.col("views").sum()),
    ]
    for part in parts:
        assert_frame_equal(part(dump).collect(engine=engine), part(whole))


def test_a_dump_that_is_broken_says_so_whatever_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(GOOD.encode() * 9, mtime=0)[:-4])
    with pytest.raises(CorruptError, match=f"^{path} is truncated"):
        scan_dump(path).collect()


def test_encoded_titles_are_those_that_decode_to_the_title() -> None:
    titles = ["plain", '"Heroes"', 'a"b', r"AC\DC", "q\\", '"', r'"\"x\""', r'"a\\"']
    pages = pl.LazyFrame({"domain_code": ["en"] * len(titles), "page_title": titles})
    found = encode_titles(pages).with_columns(title=decode_title(pl.col("page_title"))).collect()
    by_title = {title: sorted(found.filter(title=title)["page_title"]) for title in titles}
    assert by_title == {
        "plain": ["plain"],
        '"Heroes"': ['"Heroes"', r'"\"Heroes\""'],
        'a"b': [r'"a\"b"', 'a"b'],
        r"AC\DC": [r"AC\DC"],
        "q\\": [r'"q\\"', "q\\"],
        '"': ['"', r'"\""'],
        r'"\"x\""': [r'"\"\\\"x\\\"\""'],
        r'"a\\"': [r'"\"a\\\\\""'],
    }
