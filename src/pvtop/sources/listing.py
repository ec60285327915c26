"""Parse the listing of a folder, as nginx and other servers send it, into entries."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urljoin, urlsplit

from pvtop.core.address import Address
from pvtop.storage.filesystem import ListedFile

ANY_FOLDER = Address.at("http://host/folder/")
ANCHOR = r"<a\s"


# The text from one anchor to the next. The pattern never backtracks, so the time grows only with the length of the
# listing, whatever a server sends.
LINK = (
    r"""(?>[^>]*?(?<![\w-])href=["']([^"'\n]{1,500})["'])[^>]*+>(?>[^\n]*?</a>)"""
    r"""(?:[ \t]++(\d{2}-\w{3}-\d{4} \d{2}:\d{2})[ \t]++(\d{1,15}+)(?=[ \t]*+(?:[\r\n<]|$)))?"""
)


def parse_listing(text: str, address: Address = ANY_FOLDER) -> list[ListedFile]:
    """Parse the links of a listing: with time and size if it is from nginx, otherwise names alone.

    Names come from the links, as servers shorten the text. A link may be relative, absolute or a full address. Links
    that do not lead to an entry of the folder itself are skipped.

    Args:
        text: The listing.
        address: The address of the folder, with a slash at the end.
    """
    found = {}
    folder = str(address)
    link_at_start = re.compile(LINK, re.IGNORECASE | re.ASCII)
    for link in filter(None, map(link_at_start.match, re.split(ANCHOR, text, flags=re.IGNORECASE)[1:])):
        href, modified, size = link.groups("")
        name = _name(html.unescape(href), folder)
        if name and "/" not in name and not name.startswith("."):
            found[name] = ListedFile(name, int(size) if size else None, _time(modified))
    return list(found.values())


def _name(href: str, folder: str) -> str:
    """Return the name of the entry that a link leads to, empty if it leads out of the folder."""
    try:
        target, here = urlsplit(urljoin(folder, href)), urlsplit(folder)
    except ValueError:
        return ""
    if target.netloc != here.netloc or not target.path.startswith(here.path) or target.query:
        return ""
    return unquote(target.path.removeprefix(here.path)).rstrip("/")


def _time(listed: str) -> datetime | None:
    """Parse a UTC time in nginx's format, such as `03-Aug-2024 07:51`. Return None if it is missing or invalid."""
    try:
        return datetime.strptime(listed, "%d-%b-%Y %H:%M").replace(tzinfo=UTC)
    except ValueError:
        return None


def is_other(listed: ListedFile, size: int, last_modified: str | None) -> bool:
    """Return whether a listed file differs from a known file.

    If the listing has no size, the file counts as different. Times are compared to the minute, as listings have no
    seconds.

    Args:
        listed: The file in the current listing of the source.
        size: The size of the known file in bytes.
        last_modified: The Last-Modified of the known file as sent, None if unknown.
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
