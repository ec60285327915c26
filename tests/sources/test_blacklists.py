"""The blacklist, on files."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import polars as pl
import pytest

from pvtop.core.errors import BlacklistError
from pvtop.settings import Settings
from pvtop.sources.blacklists import MAX_BLACKLIST_BYTES, load_blacklist, read_blacklist, verify_blacklist
from pvtop.storage.http import Client
from pvtop.transform.blacklist import no_blacklist
from support.server import Server, status


def read(folder: Path, content: bytes | str) -> list[tuple[str, str]]:
    path = folder / "blacklist"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_blacklist(path).rows()


@pytest.mark.parametrize(
    ("title", "spellings"),
    [
        ("Main_Page", ["Main_Page"]),
        ("Special%3ASearch", ["Special%3ASearch", "Special:Search"]),
        ("%c3%a9", ["%c3%a9", "é"]),
        ("%F0%9D%84%9E", ["%F0%9D%84%9E", "𝄞"]),
        ("Category_talk%3AÖl", ["Category_talk%3AÖl", "Category_talk:Öl"]),
        ("a%2525", ["a%25", "a%2525"]),
        ("a b", ["a b", "a_b"]),
        ("a%3A b", ["a%3A b", "a:_b"]),
    ],
)
def test_a_page_is_listed_as_written_and_decoded(title: str, spellings: list[str], tmp_path: Path) -> None:
    assert read(tmp_path, f"en {title}\n") == [("en", spelling) for spelling in spellings]


def test_a_decoded_space_is_an_underscore(tmp_path: Path) -> None:
    assert read(tmp_path, "de Schloss%20Neuschwanstein\n") == [
        ("de", "Schloss%20Neuschwanstein"),
        ("de", "Schloss_Neuschwanstein"),
    ]


def test_a_plus_is_no_space(tmp_path: Path) -> None:
    assert read(tmp_path, "en C%2B+\n") == [("en", "C%2B+"), ("en", "C++")]


def test_what_decodes_to_other_than_utf8_is_replaced(tmp_path: Path) -> None:
    assert read(tmp_path, "de M%FCnchen\n") == [("de", "M%FCnchen"), ("de", "M\ufffdnchen")]


def test_what_is_other_than_utf8_is_replaced(tmp_path: Path) -> None:
    assert read(tmp_path, b"de M\xfcnchen\n") == [("de", "M\ufffdnchen")]


@pytest.mark.parametrize("title", ["100%", "100%_sure", "%zz", "%", "%4"])
def test_a_malformed_percent_stays(title: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"en {title}\n") == [("en", title)]


def test_quotes_stay(tmp_path: Path) -> None:
    lines = ["en !", 'en "', 'en "gospel_writers"', "en z"]
    assert read(tmp_path, "\n".join(lines)) == [tuple(line.split(" ")) for line in lines]


@pytest.mark.parametrize("code", ['""', ""])
def test_the_empty_code(code: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"{code} Z6\n") == [("", "Z6")]


@pytest.mark.parametrize("line", ["bn.m.v ", "bn.m.v", "", " ", '""'])
def test_an_entry_without_a_title_is_skipped(line: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"{line}\nen A\n") == [("en", "A")]


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\u2028", "\u0085", "\t", "\x0b", "\x0c", "\x1c", "\r"])
def test_other_white_space_stays_in_titles(space: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"en a{space}b\n") == [("en", f"a{space}b")]


def test_windows_line_ends(tmp_path: Path) -> None:
    assert read(tmp_path, "en A\r\nen B\r\n") == [("en", "A"), ("en", "B")]


def test_no_newline_at_the_end(tmp_path: Path) -> None:
    assert read(tmp_path, "en A\nen B") == [("en", "A"), ("en", "B")]


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfen A\n") == [("en", "A")]


def test_no_page_is_listed_twice(tmp_path: Path) -> None:
    assert read(tmp_path, "en a:b\nen a%3Ab\nen a:b\nde a:b\n") == [("de", "a:b"), ("en", "a%3Ab"), ("en", "a:b")]


@pytest.mark.parametrize("content", ["", "\n", "\n\r\n", b"\xef\xbb\xbf", "en \nde \n"])
def test_a_file_without_entries_is_refused(content: bytes | str, tmp_path: Path) -> None:
    with pytest.raises(BlacklistError, match="it has no entry") as caught:
        read(tmp_path, content)
    assert "none" in caught.value.hint
    assert caught.value.setting == "blacklist"


def test_a_huge_line_is_refused(tmp_path: Path) -> None:
    assert len(read(tmp_path, f"en {'a' * 4_093}\n")) == 1
    with pytest.raises(BlacklistError, match="it has a line of 4,097 bytes"):
        read(tmp_path, f"en {'a' * 4_094}\nen A\n")


def test_columns(tmp_path: Path) -> None:
    schema = pl.Schema({"domain_code": pl.String, "page_title": pl.String})
    (tmp_path / "one").write_text("en A\n")
    frames = (read_blacklist(tmp_path / "one"), no_blacklist())
    assert [frame.schema for frame in frames] == [schema] * 2


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
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(BlacklistError, match=r"is not a blacklist: \d of its \d lines are not entries, such as '"):
        read(tmp_path, content)


def test_up_to_half_of_the_lines_may_be_no_entry(tmp_path: Path) -> None:
    assert read(tmp_path, "# Pages to leave out\nen A\n") == [
        ("#", "Pages to leave out"),
        ("#", "Pages_to_leave_out"),
        ("en", "A"),
    ]
    with pytest.raises(BlacklistError, match="2 of its 3 lines"):
        read(tmp_path, "# Pages to leave out\n# as of today\nen A\n")


def test_lines_of_any_length_and_any_number(tmp_path: Path) -> None:
    long = "x" * 4_000
    assert read(tmp_path, f"en {long}\n") == [("en", long)]
    many = "".join(f"en Page_{i}\n" for i in range(1_000_000))
    assert len(read(tmp_path, many)) == 1_000_000


def test_a_refusal_names_the_address(tmp_path: Path) -> None:
    path = tmp_path / "1a2b.txt"
    path.write_text("<html>")
    with pytest.raises(BlacklistError, match=r"^https://example\.org/list is not"):
        verify_blacklist(path, "https://example.org/list")


@pytest.mark.parametrize(
    ("name", "reason"), [("nothing", "No such file"), (".", "it is not a regular"), ("pipe", "it is not a regular")]
)
def test_a_file_that_cannot_be_read(name: str, reason: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BlacklistError, match=rf"^cannot read the blacklist {tmp_path / name}: {reason}"):
        read_blacklist(tmp_path / name)


@pytest.mark.parametrize(
    ("code", "setting"), [(404, "blacklist"), (503, "blacklist"), (451, ""), (403, "contact")], ids=str
)
async def test_a_failed_download_says_what_to_change(code: int, setting: str, server: Server, tmp_path: Path) -> None:
    server.always["/list"] = status(code)
    settings = Settings.load(blacklist=f"{server.url}/list", cache_dir=tmp_path, attempts=1)
    async with Client(settings) as client:
        with pytest.raises(BlacklistError, match=rf"^cannot download the blacklist: .*{code}") as caught:
            await load_blacklist(client, settings)
    assert (bool(caught.value.hint), caught.value.setting) == (True, setting)


def test_verifying_gives_the_digest_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "blacklist"
    path.write_bytes(b"en A\r\n")
    digest = "9b9491c623d80a29c24099da6d5bcdf04f0c20b87f8af7569378bb335304df58"
    assert verify_blacklist(path, "list") == digest


def test_a_blacklist_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list"
    with path.open("wb") as file:
        file.truncate(MAX_BLACKLIST_BYTES + 1)
    with pytest.raises(BlacklistError, match="is longer than 64,000,000 bytes"):
        read_blacklist(path)
