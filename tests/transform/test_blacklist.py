"""Parsing a blacklist: entries as written and decoded, and files that are not blacklists."""

from __future__ import annotations

import gzip

import pytest

from pvtop.core.errors import BlacklistError
from pvtop.transform.blacklist import parse_blacklist


def parse(content: bytes | str) -> list[tuple[str, str]]:
    return parse_blacklist(content if isinstance(content, bytes) else content.encode(), "the blacklist").rows()


@pytest.mark.parametrize(
    ("title", "spellings"),
    [
        ("Main_Page", ["Main_Page"]),
        ("Special%3ASearch", ["Special%3ASearch", "Special:Search"]),
        ("%c3%a9", ["%c3%a9", "é"]),
        ("%F0%9D%84%9E", ["%F0%9D%84%9E", "𝄞"]),
        ("Category_talk%3AÖl", ["Category_talk%3AÖl", "Category_talk:Öl"]),
        ("a%2525", ["a%25", "a%2525"]),
        ("a b", ["a_b"]),
        ("a%3A b", ["a%3A_b", "a:_b"]),
        ("a%20", ["a%20", "a_"]),
        ("%20", ["%20", "_"]),
        ("a%0Db%0A", ["a%0Db%0A", "a\rb\n"]),
    ],
)
def test_entry_excludes_the_title_as_written_and_decoded(title: str, spellings: list[str]) -> None:
    assert parse(f"en {title}\n") == sorted(("en", spelling) for spelling in spellings)


def test_decoded_space_becomes_an_underscore() -> None:
    assert parse("de Schloss%20Neuschwanstein\n") == [
        ("de", "Schloss%20Neuschwanstein"),
        ("de", "Schloss_Neuschwanstein"),
    ]


def test_plus_is_not_decoded_to_a_space() -> None:
    assert parse("en C%2B+\n") == [("en", "C%2B+"), ("en", "C++")]


@pytest.mark.parametrize("title", ["M%FCnchen", "%C3%9Fe%FC", "%ED%A0%80", "%C0%80", "é%C3", "%C3é%A9"])
def test_entry_that_is_not_utf8_when_decoded_counts_only_as_written(title: str) -> None:
    assert parse(f"de {title}\n") == [("de", title)]


def test_raw_bytes_that_are_not_utf8_become_replacement_characters() -> None:
    assert parse(b"de M\xfcnchen\n") == [("de", "M\ufffdnchen")]
    assert parse(b"de M\xfcnchen%3A%C3%A9\n") == [("de", "M\ufffdnchen%3A%C3%A9")]


@pytest.mark.parametrize(
    ("title", "written", "decoded"),
    [
        (b"Stra\xc3%9Fe", "Stra\ufffd%9Fe", "Straße"),
        (b"Stra%C3\x9fe", "Stra%C3\ufffde", "Straße"),
        (b"%F0\x9d%84\x9e", "%F0\ufffd%84\ufffd", "𝄞"),
    ],
)
def test_character_that_is_half_raw_and_half_encoded_is_decoded(title: bytes, written: str, decoded: str) -> None:
    assert set(parse(b"de " + title + b"\n")) == {("de", written), ("de", decoded)}


def test_code_that_is_not_utf8_does_not_keep_its_title_from_being_decoded() -> None:
    assert parse(b"en A\ne\xff a%3Ab\n") == [("en", "A"), ("e\ufffd", "a%3Ab"), ("e\ufffd", "a:b")]


def test_code_ends_at_the_first_space() -> None:
    assert parse("en A\nen  A\n") == [("en", "A"), ("en", "_A")]


@pytest.mark.parametrize("end", [" ", "  ", "\t", "\v", "\f", "\r", " \t\r", "\r \r"])
def test_ascii_white_space_at_the_end_of_a_line_is_dropped(end: str) -> None:
    assert parse(f"en A%3AB{end}\nde C{end}") == [("de", "C"), ("en", "A%3AB"), ("en", "A:B")]


@pytest.mark.parametrize("end", ["\u00a0", "\u3000", "\u2028", "\u0085", "\x1c", "\x1f", "\0"])
def test_other_white_space_at_the_end_of_a_line_is_kept(end: str) -> None:
    assert parse(f"en A{end}\n") == [("en", f"A{end}")]


@pytest.mark.parametrize("title", ["100%", "100%_sure", "%zz", "%", "%4"])
def test_malformed_percent_encoding_is_kept(title: str) -> None:
    assert parse(f"en {title}\n") == [("en", title)]


def test_quotes_in_an_entry_are_kept() -> None:
    lines = ["en !", 'en "', 'en "gospel_writers"', "en z"]
    assert parse("\n".join(lines)) == [tuple(line.split(" ")) for line in lines]


@pytest.mark.parametrize("code", ['""', ""])
def test_entry_with_either_spelling_of_the_empty_code_has_an_empty_code(code: str) -> None:
    assert parse(f"{code} Z6\n") == [("", "Z6")]


@pytest.mark.parametrize("line", ["bn.m.v ", "bn.m.v", "bn.m.v \t\r", "", " ", "\t", '""'])
def test_entry_without_a_title_is_skipped(line: str) -> None:
    assert parse(f"{line}\nen A\n") == [("en", "A")]


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\u2028", "\u0085", "\t", "\x0b", "\x0c", "\x1c", "\r"])
def test_other_white_space_in_an_entry_is_kept(space: str) -> None:
    assert parse(f"en a{space}b\n") == [("en", f"a{space}b")]


def test_carriage_returns_at_line_ends_are_dropped() -> None:
    assert parse("en A\r\nen B\r\n") == [("en", "A"), ("en", "B")]


def test_last_entry_may_lack_its_newline() -> None:
    assert parse("en A\nen B") == [("en", "A"), ("en", "B")]


def test_byte_order_mark_is_dropped_before_the_first_line_only() -> None:
    mark = b"\xef\xbb\xbf"
    assert parse(mark + b"en A\n") == [("en", "A")]
    assert parse(b"en A\n" + mark + b"en A\n") == [("en", "A"), ("\ufeffen", "A")]


def test_pages_are_sorted_and_unique() -> None:
    assert parse("en a:b\nen a%3Ab\nen a:b\nde a:b\n") == [("de", "a:b"), ("en", "a%3Ab"), ("en", "a:b")]


@pytest.mark.parametrize("content", ["", "\n", "\n\r\n", b"\xef\xbb\xbf", "en \nde \n", "en\nde\n"])
def test_blacklist_without_entries_is_refused(content: bytes | str) -> None:
    with pytest.raises(BlacklistError, match="it has no entry") as caught:
        parse(content)
    assert "none" in caught.value.hint
    assert caught.value.setting == "blacklist"


def test_blacklist_with_a_huge_line_is_refused() -> None:
    assert len(parse(f"en {'a' * 4_093}\n")) == 1
    with pytest.raises(BlacklistError, match="it has a line of 4,097 bytes"):
        parse(f"en {'a' * 4_094}\nen A\n")


NOT_BLACKLISTS = {
    "a page": b"<!DOCTYPE html><title>Sign in</title>",
    "a page after blanks": b"\r\n<html>\r\n<head>",
    "an error of S3": b'\xef\xbb\xbf<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "gzip": gzip.compress(b"en A\n", mtime=0),  # a time may hold an apostrophe, with which the message quotes otherwise
    "zip": b"PK\x03\x04en A\n",
    "PDF": b"%PDF-1.7\n",
    "UTF-16": "en A\n".encode("utf-16"),
    "UTF-16 from its other end": "\ufeffen A\n".encode("utf-16-be"),
    "UTF-16 without a mark": "en A\nen B\n".encode("utf-16-le"),
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR \x00\n\x00",
    "prose": b"This page lists what is left out.\nAsk for more.\n",
    "a table": b"code,title\nen,Main_Page\nde,Hauptseite\n",
    "titles alone": b"Main_Page\nSpecial:Search\n",
    "paths": b"../../etc/passwd\n/etc/shadow x\n",
}


@pytest.mark.parametrize("content", NOT_BLACKLISTS.values(), ids=NOT_BLACKLISTS)
def test_files_of_other_kinds_are_refused(content: bytes) -> None:
    with pytest.raises(BlacklistError, match=r"is not a blacklist: \d of \d lines? (is|are) not .*, such as '"):
        parse(content)


def test_up_to_half_of_the_lines_may_be_other_text() -> None:
    assert parse("# Pages to leave out\nen A\n") == [
        ("#", "Pages_to_leave_out"),
        ("en", "A"),
    ]
    with pytest.raises(BlacklistError, match="2 of 3 lines"):
        parse("# Pages to leave out\n# as of today\nen A\n")


def test_long_lines_and_a_million_entries_are_read() -> None:
    long = "x" * 4_000
    assert parse(f"en {long}\n") == [("en", long)]
    many = "".join(f"en Page_{i}\n" for i in range(1_000_000))
    assert len(parse_blacklist(many.encode(), "the blacklist")) == 1_000_000  # as rows, they would take seconds
