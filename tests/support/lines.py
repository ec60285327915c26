"""The lines of pages in dumps. Some pages have several lines in an hour."""

from __future__ import annotations

TWO_WIKIS = {"commons.m", "nl.m"}
"""Some codes that stand for two wikis."""
NOT_UTF8 = "\ufffd".encode()
SPELLINGS = [NOT_UTF8, b"\xff", b"\xfe"]
"""Bytes that are all read as U+FFFD."""


def lines_of_page(code: str, title: str, count: int, most: int) -> list[bytes]:
    """Return the lines of a page as dumps write them since 2023. Their views add up to `count`.

    Args:
        code: Its domain code.
        title: Its title.
        count: Its views.
        most: The most lines that the page gets, up to 3. A page that a valid dump lists less often gets fewer.
    """
    lines = most if code == "" or "\ufffd" in title else min(most, 2 if code in TWO_WIKIS else 1)
    share = count // lines
    counts = [count - share * (lines - 1), *[share] * (lines - 1)]
    escaped = title.replace("\\", "\\\\").replace('"', '\\"')
    written = (f'"{escaped}"' if '"' in title else title).encode()
    spelled = [written.replace(NOT_UTF8, spelling) for spelling in SPELLINGS[:lines]]
    return [b"%s %s %d 0\n" % (code.encode() or b'""', *line) for line in zip(spelled, counts, strict=True)]
