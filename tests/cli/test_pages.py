"""How arguments and files say which pages are meant."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from pvtop.cli.pages import chosen_pages
from pvtop.core.errors import UsageError
from pvtop.core.page import Page


def test_pages_of_a_file_follow_those_of_the_arguments(tmp_path: Path) -> None:
    file = tmp_path / "pages.txt"
    file.write_text(
        "\ufeffen:Climate\r\n\n  \n de:Straße nach Rom \nhttps://de.wikipedia.org/wiki/Stra%C3%9Fe\n:A\u2028B"
    )
    assert chosen_pages(["en:-", '"":A'], str(file)) == [
        Page("en", "-"), Page("", "A"),
        Page("en", "Climate"), Page("de", "Straße_nach_Rom"), Page("de", "Straße"), Page("", "A\u2028B"),
    ]  # fmt: skip


def test_pages_of_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("en:Café\n".encode())))
    assert chosen_pages([], "-") == [Page("en", "Café")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"en:Climate\n\nClimate\n", "pages.txt, line 3: 'Climate' is not a page"),
        (b"en:\n", "pages.txt, line 1: a page of en has no title"),
        (b"en:A\nen:Caf\xe9\n", "pages.txt, line 2: it is not UTF-8"),
        (b"\n \n", "pages.txt names no page"),
    ],
)
def test_line_that_is_not_a_page_is_named(content: bytes, message: str) -> None:
    Path("pages.txt").write_bytes(content)
    with pytest.raises(UsageError) as found:
        chosen_pages(["en:A"] if b"line" in message.encode() else [], "pages.txt")
    assert found.value.message == message
    assert found.value.hint


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "no name"])
def test_file_that_cannot_be_read_is_named(kind: str) -> None:
    match kind:
        case "folder":
            Path("pages.txt").mkdir()
        case "pipe":
            os.mkfifo("pages.txt")
    with pytest.raises(UsageError, match="cannot read"):
        chosen_pages([], "pages\0.txt" if kind == "no name" else "pages.txt")


def test_closed_stdin_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="stdin: it is closed"):
        chosen_pages([], "-")


def test_no_page_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="no page is given"):
        chosen_pages([], None)
