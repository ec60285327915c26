"""The rules of the report once more: slow, in memory, in plain Python, to be checked by reading.

The tests compare pvtop with this module. It shares no code with pvtop: a mistake must be made twice to pass.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

BOM = b"\xef\xbb\xbf"
MAX_COUNT = 2**63 - 1
QUOTED = re.compile(r'"(?:[^"\\]|\\["\\])*"')
ESCAPED = re.compile(r'\\(["\\])')
ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")


class Page(NamedTuple):
    """One well-formed line."""

    code: str
    title: str
    views: int


@dataclass(frozen=True)
class Reference:
    """What the report of one dump holds."""

    top_pages: list[tuple[str, int, str, int]]
    """domain_code, rank, page_title, views; domains ascend in UTF-8 byte order."""
    domains: list[tuple[str, int, int, int, int]]
    """domain_code, pages, views, blacklisted_pages, blacklisted_views."""
    rows: int
    views: int
    malformed: list[bytes]
    """The malformed lines in the order of the file, without their ends."""
    unknown_rows: int
    unknown_views: int
    blacklisted_rows: int
    blacklisted_views: int


def reference(dump: bytes, blacklist: bytes = b"", *, top: int = 25, keep_unknown: bool = False) -> Reference:
    """Return the report of `dump`, the inflated bytes, without the pages on `blacklist`."""
    pages: list[Page] = []
    malformed: list[bytes] = []
    for line in lines_of(dump):
        page = page_of(line)
        if page is not None:
            pages.append(page)
        elif line != b"":
            malformed.append(line)

    entries = entries_of(blacklist)
    unknown: list[Page] = []
    blacklisted: list[Page] = []
    kept: list[Page] = []
    for page in pages:
        if page.title == "-" and not keep_unknown:
            unknown.append(page)
        elif (page.code, page.title) in entries:
            blacklisted.append(page)
        else:
            kept.append(page)

    top_pages: list[tuple[str, int, str, int]] = []
    domains: list[tuple[str, int, int, int, int]] = []
    for code in sorted({page.code for page in pages}, key=utf8):
        ranked = sorted(in_domain(code, kept), key=lambda page: (-page.views, utf8(page.title)))
        for rank, page in enumerate(ranked[:top], start=1):
            top_pages.append((code, rank, page.title, page.views))
        everything, left_out = in_domain(code, pages), in_domain(code, blacklisted)
        domains.append((code, len(everything), views_of(everything), len(left_out), views_of(left_out)))

    return Reference(
        top_pages=top_pages,
        domains=domains,
        rows=len(pages),
        views=views_of(pages),
        malformed=malformed,
        unknown_rows=len(unknown),
        unknown_views=views_of(unknown),
        blacklisted_rows=len(blacklisted),
        blacklisted_views=views_of(blacklisted),
    )


def lines_of(data: bytes) -> list[bytes]:
    """Split at newlines only; the byte-order mark and every carriage return at a line's end are dropped."""
    return [line.rstrip(b"\r") for line in data.removeprefix(BOM).split(b"\n")]


def page_of(line: bytes) -> Page | None:
    """Read `code title views size`, or return None when the line is malformed."""
    fields = line.split(b" ")
    if len(fields) != 4:
        return None
    code, title, views, size = fields[0], fields[1], count_of(fields[2]), count_of(fields[3])
    if title == b"" or views is None or size is None:
        return None
    return Page(code_of(code), title_of(title), views)


def count_of(field: bytes) -> int | None:
    """Read a non-negative 64-bit integer of ASCII digits, or return None."""
    if not re.fullmatch(rb"[0-9]+", field):
        return None
    digits = field.lstrip(b"0") or b"0"
    if len(digits) > len(str(MAX_COUNT)):  # int() itself raises on thousands of digits
        return None
    count = int(digits)
    return count if count <= MAX_COUNT else None


def code_of(field: bytes) -> str:
    """Read a domain code; two quotes stand for the empty one."""
    return "" if field == b'""' else text_of(field)


def title_of(field: bytes) -> str:
    """Read a title of a dump: a field quoted by Spark loses its quotes and escapes, all others stay."""
    title = text_of(field)
    if QUOTED.fullmatch(title) and '\\"' in title:
        return ESCAPED.sub(r"\1", title[1:-1])
    return title


def entries_of(blacklist: bytes) -> set[tuple[str, str]]:
    """Read the code and title of every entry, with the title as written and, if that is UTF-8, percent-decoded."""
    entries: set[tuple[str, str]] = set()
    for line in blacklist.removeprefix(BOM).split(b"\n"):
        code, _, title = line.rstrip(b" \t\r\v\f").partition(b" ")
        if title == b"":
            continue
        entries.add((code_of(code), text_of(title.replace(b" ", b"_"))))
        decoded = ENCODED.sub(lambda match: bytes([int(match[1], 16)]), title)
        if is_utf8(decoded):
            entries.add((code_of(code), text_of(decoded.replace(b" ", b"_"))))
    return entries


def is_utf8(field: bytes) -> bool:
    """Return whether every byte belongs to a character of UTF-8."""
    try:
        field.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def text_of(field: bytes) -> str:
    """Decode UTF-8; what is not becomes U+FFFD."""
    return field.decode("utf-8", errors="replace")


def utf8(text: str) -> bytes:
    """Return the sort key of codes and titles."""
    return text.encode("utf-8")


def in_domain(code: str, pages: list[Page]) -> list[Page]:
    """Return the pages of one domain."""
    return [page for page in pages if page.code == code]


def views_of(pages: list[Page]) -> int:
    """Sum the views."""
    return sum(page.views for page in pages)


def day_reference(dumps: dict[int, bytes]) -> dict[tuple[str, str], dict[int, int]]:
    """Return the views of each page hour by hour, from the inflated dump of each hour of the day that there is."""
    views: dict[tuple[str, str], dict[int, int]] = {}
    for hour, dump in dumps.items():
        for page in filter(None, map(page_of, lines_of(dump))):
            counts = views.setdefault((page.code, page.title), {})
            counts[hour] = counts.get(hour, 0) + page.views
    return views
