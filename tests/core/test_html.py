"""Tables for notebooks."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from pvtop.core.html import ROWS_SHOWN, Blocks, Columns, Heading, Link, Row, first_rows, table

HOSTILE = '<script>alert("1")</script>&amp;\'\u202e\x1b'
SHOWN = HOSTILE.replace("\u202e", r"\u202e").replace("\x1b", r"\x1b")


class Reader(HTMLParser):
    """Collects the tags, the texts and the links of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.links: list[str | None] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and where it leads."""
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts += [data] if data.strip() else []


def test_text_is_shown_as_it_is_and_never_acted_upon() -> None:
    links = Link(HOSTILE, f"https://example.org/{HOSTILE}"), Link(HOSTILE, None)
    rows: list[Row] = [Columns([HOSTILE]), Heading(HOSTILE), (HOSTILE, *links, Blocks(HOSTILE))]
    found = Reader(table(HOSTILE, rows, [HOSTILE]))
    assert found.tags == {"table", "caption", "br", "tr", "th", "td", "a"}
    assert found.texts == [SHOWN] * 8
    assert found.links == [f"https://example.org/{SHOWN}"]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("1,234", "right"),
        ("0", "right"),
        ("1,234.5x", "right"),
        ("44 %", "right"),
        ("made", "left"),
        ("", "left"),
        ("2019-04-01", "left"),
        ("14:00 to 15:00", "left"),
    ],
)
def test_numbers_and_shares_are_on_the_right(text: str, side: str) -> None:
    assert f'<td style="text-align: {side}">{text}</td>' in table("", [(text,)])


def test_dollars_are_no_formula() -> None:
    assert '<table class="tex2jax_ignore mathjax_ignore">' in table("US$_and_C$", [])


def test_spaces_between_blocks_stay() -> None:
    assert '<td style="text-align: left; white-space: pre">▁  █</td>' in table("", [(Blocks("▁  █"),)])


@pytest.mark.parametrize(("more", "last"), [(1, "and 1 more day"), (2_000, "and 2,000 more days")])
def test_table_of_many_rows_says_how_many_more_there_are(more: int, last: str) -> None:
    rows: list[Row] = [(str(number),) for number in range(ROWS_SHOWN + more)]
    assert first_rows(rows, "day") == [*rows[:ROWS_SHOWN], Heading(last)]


def test_table_of_few_rows_has_all_of_them() -> None:
    rows: list[Row] = [(str(number),) for number in range(ROWS_SHOWN)]
    assert first_rows(rows, "day") == rows
