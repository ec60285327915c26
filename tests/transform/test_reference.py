"""The reference against expectations typed by hand, one rule at a time."""

import pytest
from hypothesis import given

from support.reference import MAX_COUNT, reference
from support.strategies import blacklists, dumps, pool, raw_dumps


def titles(dump: bytes, blacklist: bytes = b"") -> list[str]:
    """Return the ranked titles, domain after domain."""
    return [title for _, _, title, _ in reference(dump, blacklist).top_pages]


def test_reference_of_a_small_dump() -> None:
    found = reference(b"en A 5 0\nen B 7 0\nen - 9 0\nde A 1 0\nen C 3 0\nshort\n", b"en B\nde A\n", top=1)
    assert found.top_pages == [("en", 1, "A", 5)]
    assert found.domains == [("de", 1, 1, 1, 1), ("en", 4, 24, 1, 7)]
    assert (found.rows, found.views) == (5, 25)
    assert found.malformed == [b"short"]
    assert (found.unknown_rows, found.unknown_views) == (1, 9)
    assert (found.blacklisted_rows, found.blacklisted_views) == (2, 8)


@pytest.mark.parametrize("dump", pool(b"|\n|\n\n\r\n\r\r\r\n|\r|\xef\xbb\xbf|\xef\xbb\xbf\r\n"))
def test_reference_skips_blank_lines(dump: bytes) -> None:
    found = reference(dump)
    assert (found.top_pages, found.domains, found.rows, found.malformed) == ([], [], 0, [])


@pytest.mark.parametrize("dump", pool(b"en A 5 0|en A 5 0\n|en A 5 0\r\n|en A 5 0\r\r|\n\nen A 5 0\n\n"))
def test_reference_drops_carriage_returns(dump: bytes) -> None:
    assert reference(dump).top_pages == [("en", 1, "A", 5)]


def test_reference_splits_at_newlines_and_spaces_only() -> None:
    title = "a\rb\tc\x0b\x0c\x1c\x85\xa0\u2028\u3000\0"
    assert reference(f"en {title} 5 0\n".encode()).top_pages == [("en", 1, title, 5)]


def test_reference_drops_the_byte_order_mark() -> None:
    mark = b"\xef\xbb\xbf"
    assert reference(mark + b"en A 5 0\n").top_pages == [("en", 1, "A", 5)]
    assert reference(mark + mark + b"en A 5 0\n").top_pages == [("\ufeffen", 1, "A", 5)]
    assert reference(b"\n" + mark + b"en A 5 0\n").top_pages == [("\ufeffen", 1, "A", 5)]
    assert reference(mark + b"bad\n").malformed == [b"bad"]


@pytest.mark.parametrize(
    "line",
    pool(
        b"A| |   |\t|en A 5|A 5 0|en A 5 0 0|en A B 5 0| en A 5 0|en A 5 0 |en  5 0|en  A 5 0|en A  5 0",
        b'en\tA\t5\t0|en\xc2\xa0A 5 0|en "A \\" B" 5 0',
    ),
)
def test_reference_counts_lines_without_four_fields_or_a_title_as_malformed(line: bytes) -> None:
    found = reference(b"en B 1 0\n" + line + b"\r\nen C 1 0\n")
    assert found.malformed == [line]
    assert (found.rows, found.views, len(found.top_pages)) == (2, 2, 2)


@pytest.mark.parametrize(
    "count",
    pool(
        b'|+5|-1|-0|1.5|1e3|1_0|0x1|"5"|five|5\t|\t5|5\0|5\r5|\xff|9223372036854775808',
        "\u0665|\uff15|\xb2".encode(),
    ),
)
def test_reference_counts_lines_without_64_bit_counts_as_malformed(count: bytes) -> None:
    lines = [b"en A " + count + b" 0", b"en A 5 " + count]
    assert reference(b"\n".join(lines)).malformed == lines


@pytest.mark.parametrize(
    ("count", "views"),
    [(b"0", 0), (b"000", 0), (b"007", 7), (b"9223372036854775807", MAX_COUNT)],
)
def test_reference_reads_counts(count: bytes, views: int) -> None:
    assert reference(b"en A " + count + b" 0\n").top_pages == [("en", 1, "A", views)]
    assert reference(b"en A 1 " + count + b"\n").rows == 1


def test_reference_reads_counts_of_thousands_of_digits() -> None:
    found = reference(b"en A " + b"0" * 5000 + b"7 0\nen B " + b"9" * 5000 + b" 0\n")
    assert found.top_pages == [("en", 1, "A", 7)]
    assert len(found.malformed) == 1


def test_reference_keeps_the_order_of_malformed_lines() -> None:
    assert reference(b"z\r\nen A 1 0\n\na \xff\nz").malformed == [b"z", b"a \xff", b"z"]


def test_reference_joins_both_spellings_of_the_empty_code() -> None:
    found = reference(b'"" Z1 1 0\n Z6 4 0\n')
    assert found.top_pages == [("", 1, "Z6", 4), ("", 2, "Z1", 1)]
    assert found.domains == [("", 2, 5, 0, 0)]


def test_reference_replaces_invalid_utf8() -> None:
    found = reference(b"\xff A\xc3 1 0\nen \xe2\x82 3 0\nen \xed\xa0\x80 2 0\nen \xc0\x80\xc3\xa9 1 0\n")
    assert found.top_pages == [
        ("en", 1, "\ufffd", 3),
        ("en", 2, "\ufffd\ufffd\ufffd", 2),
        ("en", 3, "\ufffd\ufffd\xe9", 1),
        ("\ufffd", 1, "A\ufffd", 1),
    ]


@pytest.mark.parametrize(
    ("field", "title"),
    [
        (r'"\"Heroes\""', '"Heroes"'),
        (r'"a\"b"', 'a"b'),
        (r'"\\\"q"', r"\"q"),
        (r'"\""', '"'),
        (r'"\\"', "\\"),
        (r'"\\\\\"n"', r"\\" + '"n'),
    ],
)
def test_reference_unquotes_quoted_titles(field: str, title: str) -> None:
    assert titles(f"en {field} 1 0\n".encode()) == [title]


@pytest.mark.parametrize(
    "field",
    pool(
        rb'"Heroes"|"|""|"""|AC\DC|q\|\\|\"|a\"b|"a\"|"\"|x"\""|"\""x|"a"\""|"\a\""|"\\\"|"a\\b"|""a""',
        b"'apos'|#hash|a,b",
    ),
)
def test_reference_keeps_all_other_titles(field: bytes) -> None:
    assert titles(b"en " + field + b" 1 0\n") == [field.decode()]


def test_reference_excludes_unknown_pages() -> None:
    dump = b'en - 9 0\nen A 5 0\nde - 2 0\nen -- 1 0\nen "-" 0 0\n'
    left_out = reference(dump)
    assert left_out.top_pages == [("en", 1, "A", 5), ("en", 2, "--", 1), ("en", 3, '"-"', 0)]
    assert left_out.domains == [("de", 1, 2, 0, 0), ("en", 4, 15, 0, 0)]
    assert (left_out.unknown_rows, left_out.unknown_views) == (2, 11)
    kept = reference(dump, keep_unknown=True)
    assert kept.top_pages[:2] == [("de", 1, "-", 2), ("en", 1, "-", 9)]
    assert (kept.unknown_rows, kept.unknown_views) == (0, 0)


@pytest.mark.parametrize("entry", [b"en -", b"en %2D"])
def test_reference_counts_a_blacklisted_unknown_page_as_unknown(entry: bytes) -> None:
    found = reference(b"en - 9 0\n", entry)
    assert (found.unknown_rows, found.blacklisted_rows, found.domains) == (1, 0, [("en", 1, 9, 0, 0)])
    found = reference(b"en - 9 0\n", entry, keep_unknown=True)
    assert (found.unknown_rows, found.blacklisted_rows, found.domains) == (0, 1, [("en", 1, 9, 1, 9)])


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (b"en A", b"A"),
        (b"en Special%3ASearch", b"Special:Search"),
        (b"en Special%3ASearch", b"Special%3ASearch"),
        (b"en Special%253ASearch", b"Special%3ASearch"),
        (b"en caf%c3%A9", b"caf\xc3\xa9"),
        (b"en caf\xc3\xa9", b"caf\xc3\xa9"),
        (b"en a%20b", b"a_b"),
        (b"en a b", b"a_b"),
        (b"en a+b", b"a+b"),
        (b"en 100%", b"100%"),
        (b"en %zz%41", b"%zzA"),
        (b"en %FF", b"%FF"),
        (b"en Stra\xc3%9Fe", b"Stra\xc3\x9fe"),
        (b"en Stra%c3\x9fe", b"Stra\xc3\x9fe"),
        (b"en \xff%41", b"\x80%41"),
        (b"en A \t\v\f\r", b"A"),
        (b"en a%20", b"a_"),
        (b"en  A", b"_A"),
        (b"en \xc3", b"\xff"),
        (b'en "gospel_writers"', b'"gospel_writers"'),
        (b'en "gospel_writers"', b'"\\"gospel_writers\\""'),
        (b"en %22a%22", b'"\\"a\\""'),
        (b"\xef\xbb\xbfen A\r\r\nde B\n", b"A"),
        (b"\n\nen \nen\nen A", b"A"),
    ],
)
def test_reference_excludes_blacklisted_pages(entry: bytes, field: bytes) -> None:
    found = reference(b"en " + field + b" 3 0\nen Other 1 0\n", entry)
    assert found.top_pages == [("en", 1, "Other", 1)]
    assert found.domains == [("en", 2, 4, 1, 3)]
    assert (found.rows, found.views, found.blacklisted_rows, found.blacklisted_views) == (2, 4, 1, 3)


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (b"en ", b"A"),
        (b"en", b"en"),
        (b"A", b"A"),
        (b"en\tA", b"A"),
        (b"de A", b"A"),
        (b" A", b"A"),
        (b"en.m A", b"A"),
        (b"%65n A", b"A"),
        (b"de B\ren A", b"A"),
        (b"en a", b"A"),
        (b"en  A", b"A"),
        (b"en %FF", b"\xef\xbf\xbd"),
        (b"en %FF", b"\x80"),
        (b"en \xff%41", b"\xffA"),
        (b"en a%20", b"a"),
        (b"en A\xc2\xa0", b"A"),
        (b"en a+b", b"a_b"),
        (b"en a_b", b"a%20b"),
        (b"en Special:Search", b"Special%3ASearch"),
        (b"en Special%253ASearch", b"Special:Search"),
        (b'en "\\"a\\""', b'"\\"a\\""'),
    ],
)
def test_reference_keeps_pages_that_are_not_blacklisted(entry: bytes, field: bytes) -> None:
    assert reference(b"en " + field + b" 3 0\n", entry).blacklisted_rows == 0


@pytest.mark.parametrize("entry", [b'"" Z6', b" Z6"])
@pytest.mark.parametrize("code", [b'""', b""])
def test_reference_reads_the_empty_code_of_an_entry(entry: bytes, code: bytes) -> None:
    assert reference(code + b" Z6 4 0\n", entry).domains == [("", 1, 4, 1, 4)]


def test_reference_excludes_before_ranking() -> None:
    dump = b"".join(b"en p%d %d 0\n" % (n, 100 - n) for n in range(40))
    ranked = reference(dump, b"en p0\nen p7\n").top_pages
    assert [rank for _, rank, _, _ in ranked] == list(range(1, 26))
    assert [views for _, _, _, views in ranked] == [99, 98, 97, 96, 95, 94, *range(92, 73, -1)]


def test_reference_ranks_a_repeated_title_twice() -> None:
    found = reference(b"en A 5 0\nen B 6 0\nen A 7 0\nen A 5 0\n", top=3)
    assert found.top_pages == [("en", 1, "A", 7), ("en", 2, "B", 6), ("en", 3, "A", 5)]
    assert found.domains == [("en", 4, 23, 0, 0)]


def test_reference_sorts_ties_and_domains_in_byte_order() -> None:
    wanted = ["B", "a", "ab", "\xe9", "\uffff", "\U0001d11e"]
    assert titles("".join(f"en {title} 1 0\n" for title in reversed(wanted)).encode()) == wanted
    dump = "".join(f"{code} a 1 0\n" for code in reversed(wanted)).encode()
    assert [code for code, *_ in reference(dump).domains] == wanted
    assert [code for code, *_ in reference(dump).top_pages] == wanted


@given(dumps() | raw_dumps(), blacklists())
def test_reference_counts_every_line_once(dump: bytes, blacklist: bytes) -> None:
    found = reference(dump, blacklist, top=len(dump))
    assert found.rows == sum(pages for _, pages, *_ in found.domains)
    assert found.rows == len(found.top_pages) + found.unknown_rows + found.blacklisted_rows
    ranked_views = sum(views for *_, views in found.top_pages)
    assert found.views == ranked_views + found.unknown_views + found.blacklisted_views <= MAX_COUNT
