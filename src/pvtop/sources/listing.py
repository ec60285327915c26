"""The listing of a source's folder: its entries, and how nginx and other servers write them."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urljoin, urlsplit

from pvtop.core.address import public

ANCHOR = re.compile(r"<a\s", re.IGNORECASE)


# What follows an anchor, up to the next one. Nothing in it is tried a second time, so the time it takes is in the
# measure of the listing's length, whatever a server sends.
LINK = re.compile(
    r"""(?>[^>]*?(?<![\w-])href=["']([^"'\n]{1,500})["'])[^>]*+>(?>[^\n]*?</a>)"""
    r"""(?:[ \t]++(\d{2}-\w{3}-\d{4} \d{2}:\d{2})[ \t]++(\d{1,15}+)(?=[ \t]*+(?:[\r\n<]|$)))?""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a source's folder.

    Attributes:
        name: The last part of the path, without a slash at its end.
        size: Exact bytes, where the listing tells.
        modified: When it was last changed (UTC, to the minute on Wikimedia's server), where the listing tells.
    """

    name: str
    size: int | None = None
    modified: datetime | None = None


def parse_listing(text: str, address: str = "http://host/folder/") -> list[Entry]:
    """Read the links of a folder's listing: nginx's with time and size, any other's with names alone.

    The link is read, not its text, which servers cut short. It may be relative, absolute or a whole address, but leads
    to something right in the folder, or it is passed over.

    Args:
        text: The listing.
        address: The folder's, with a slash at its end; links that are not relative are compared with it.
    """
    found = {}
    folder = public(address)
    for link in filter(None, map(LINK.match, ANCHOR.split(text)[1:])):
        href, modified, size = link.groups("")
        name = _name(html.unescape(href), folder)
        if name and "/" not in name and not name.startswith("."):
            found[name] = Entry(name, int(size) if size else None, _time(modified))
    return list(found.values())


def _name(href: str, folder: str) -> str:
    """Give the name of what a link in a folder leads to; empty where it leads elsewhere."""
    try:
        target, here = urlsplit(urljoin(folder, href)), urlsplit(folder)
    except ValueError:
        return ""
    if target.netloc != here.netloc or not target.path.startswith(here.path) or target.query:
        return ""
    return unquote(target.path.removeprefix(here.path)).rstrip("/")


def _time(listed: str) -> datetime | None:
    """Read nginx's `03-Aug-2024 07:51`, which is in UTC; None where there is none that can be read."""
    try:
        return datetime.strptime(listed, "%d-%b-%Y %H:%M").replace(tzinfo=UTC)
    except ValueError:
        return None


def is_other(listed: Entry, size: int, last_modified: str | None) -> bool:
    """Tell whether a listed file is another than the one that is known.

    A listing that tells no size cannot vouch for it. Times are compared by the minute, as listings tell no seconds.

    Args:
        listed: The file as the source lists it now.
        size: The bytes of the known file.
        last_modified: Its Last-Modified as it was sent, None where unknown.
    """
    if listed.size != size:
        return True
    if listed.modified is None or last_modified is None:
        return False
    try:
        known = parsedate_to_datetime(last_modified)
    except (ValueError, OverflowError):
        return False
    return listed.modified != known.replace(second=0, tzinfo=known.tzinfo or UTC)
