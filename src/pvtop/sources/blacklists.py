"""Load the blacklist of a run: read its file, or download it, and keep the parsed pages in the cache.

`transform.blacklist` parses the bytes of a file. `sources.cache` says where the files are.
"""

from __future__ import annotations

import contextlib
import io
import logging
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import polars as pl

from pvtop.core.address import Address, AddressLike, file_at
from pvtop.core.errors import BlacklistError, SourceError
from pvtop.settings import NO_BLACKLIST, PUBLIC_BLACKLIST
from pvtop.sources.cache import Cache
from pvtop.sources.download import download
from pvtop.storage.atomic import write_atomic
from pvtop.storage.http import Client
from pvtop.storage.regular_file import open_regular
from pvtop.transform.blacklist import BlacklistCounts, count_entries, no_blacklist, parse_blacklist
from pvtop.transform.report import RULES_VERSION
from pvtop.transform.titles import encode_titles

log = logging.getLogger(__name__)

# The sha256 of the list at `PUBLIC_BLACKLIST`: 2,554,112 bytes, 57,114 lines. Others own that bucket and can change it.
KNOWN_SHA256 = "c84e61119e5cee11469af4e454a50064761444a51b3a733fe20777eac163f447"
MAX_PARSED_BYTES = 256_000_000  # the parsed pages of the longest blacklist, and more
MAX_BLACKLIST_BYTES = 64_000_000  # over a million entries; the public blacklist has about 2.5 million bytes
WITHOUT_IT = "use a file of your own as the blacklist, or none to exclude nothing"


def read_blacklist(path: AddressLike) -> pl.DataFrame:
    """Read a blacklist. Each line is a `domain_code` and a `page_title`, separated by one space.

    Some entries are percent-encoded, while the titles of dumps are not. So each entry excludes both the title as
    written and the percent-decoded title. The bytes of a title are decoded: if the result is not UTF-8, the entry
    counts only as written. Bytes that are not UTF-8 become U+FFFD, as in a dump, and spaces become `_`. A byte-order
    mark before the first line and ASCII white space at the end of a line are dropped. Entries without a title are
    skipped.

    Args:
        path: A file on this machine.

    Returns:
        `domain_code` String (`""` becomes the empty string), `page_title` String; sorted, without duplicates.

    Raises:
        UsageError: The argument does not name a file on this machine.
        BlacklistError: The file cannot be read, or is not a blacklist (for example, it is a web page).
    """
    file = file_at(path)
    return parse_blacklist(_read_bytes(file), str(file))


def _read_bytes(path: Path) -> bytes:
    """Return the content of a blacklist file.

    Raises:
        BlacklistError: The file cannot be read, or has more than `MAX_BLACKLIST_BYTES`.
    """
    try:
        with open_regular(path) as file:
            content = file.read(MAX_BLACKLIST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BlacklistError(
            f"cannot read the blacklist {path}: {reason}", "give an address, a path, or none", setting="blacklist"
        ) from error
    if len(content) > MAX_BLACKLIST_BYTES:
        raise BlacklistError(
            f"the blacklist {path} is longer than {MAX_BLACKLIST_BYTES:,} bytes",
            "check that it is a blacklist",
            setting="blacklist",
        )
    return content


def verify_blacklist(path: Path, address: Address) -> str:
    """Check that a downloaded file is a blacklist. Return the sha256 of the file in hex.

    Args:
        path: The file.
        address: Where it comes from, for messages.

    Raises:
        BlacklistError: The file is not a blacklist.
    """
    content = _read_bytes(path)
    parse_blacklist(content, str(address))
    return sha256(content).hexdigest()


@dataclass(frozen=True)
class Blacklist:
    """The blacklist of a run.

    Attributes:
        address: Where it comes from, without secrets, or `none`.
        sha256: Digest of its file in hex, None without a blacklist.
        pages: `domain_code` String, `page_title` String; each entry as written and percent-decoded.
        path: Its file on this machine, None without a blacklist.
    """

    address: str
    sha256: str | None
    pages: pl.DataFrame
    path: Path | None = None

    @cached_property
    def as_in_dumps(self) -> pl.DataFrame:
        """The pages with their titles spelled as in dumps. Computed once for all hours of a run."""
        return encode_titles(self.pages.lazy()).collect(engine="in-memory")

    def count(self) -> BlacklistCounts:
        """Return what its file contains.

        Raises:
            BlacklistError: The file cannot be read, or has changed since.
        """
        content = _read_bytes(self.path) if self.path else b""
        if self.path and sha256(content).hexdigest() != self.sha256:
            raise BlacklistError(f"the blacklist {self.address} has changed while it was read", "try again")
        return count_entries(content)


WITHOUT_BLACKLIST = Blacklist(str(NO_BLACKLIST), None, no_blacklist())


async def load_blacklist(client: Client, address: Address) -> Blacklist:
    """Return the blacklist of an address. Download it if it is neither local nor in the cache of the client's settings.

    Raises:
        BlacklistError: It cannot be downloaded or read, or is not a blacklist.
        OutputError: The cache cannot be written.
    """
    if address == NO_BLACKLIST:
        return WITHOUT_BLACKLIST
    cache = Cache(client.settings.cache_dir)
    if address.local_path:
        return _read(address.local_path, address.absolute(), cache)
    path = cache.blacklist_path(address)
    if client.settings.refresh_blacklist or not Cache.find(path, address):
        try:
            await download(client, address, path, verify_blacklist)
        except SourceError as error:
            hint = f"{WITHOUT_IT}, or {error.hint or 'check the address'}"
            setting = "blacklist" if not error.hint or error.setting == "source" else error.setting
            raise BlacklistError(f"cannot download the blacklist: {error}", hint, setting, error.remedy) from error
    found = _read(path, address, cache)
    if address == PUBLIC_BLACKLIST and found.sha256 != KNOWN_SHA256:
        log.warning(
            "the public blacklist %s has changed: its sha256 is %s, pvtop knows %s; use a file of your own to be sure",
            *(address, found.sha256, KNOWN_SHA256),
        )
    return found


def _read(path: Path, address: Address, cache: Cache) -> Blacklist:
    """Read a blacklist file. Keep the parsed pages, as parsing takes 10 % of the time of a report.

    Args:
        path: The file.
        address: Where it comes from.
        cache: Where the parsed pages are kept.

    Raises:
        BlacklistError: The file cannot be read, or is not a blacklist.
    """
    content = _read_bytes(path)
    digest, parsed = sha256(content).hexdigest(), cache.parsed_blacklist_path(address)
    pages = _read_parsed(parsed, digest)
    if pages is None:
        pages = parse_blacklist(content, str(path if address.local_path else address))
        _write_parsed(pages, parsed, digest)
    return Blacklist(str(address), digest, pages, path)


def _read_parsed(path: Path, digest: str) -> pl.DataFrame | None:
    """Return the pages that `_write_parsed` kept for a digest.

    Return None if the file is missing, damaged, or from another blacklist or rules version.
    """
    try:
        with open_regular(path) as file:
            content = file.read(MAX_PARSED_BYTES + 1)
    except OSError:
        return None
    if len(content) > MAX_PARSED_BYTES:
        return None
    header, _, parquet = content.partition(b"\n")
    return pl.read_parquet(parquet) if header == _parsed_header(parquet, digest) else None


def _write_parsed(pages: pl.DataFrame, path: Path, digest: str) -> None:
    """Keep the parsed pages of a blacklist. If that fails, they are parsed again the next time."""
    buffer = io.BytesIO()
    pages.write_parquet(buffer, compression="lz4")  # reading it takes half the time of Arrow's own format
    parquet = buffer.getvalue()
    with contextlib.suppress(OSError):
        write_atomic(path, _parsed_header(parquet, digest) + b"\n" + parquet)


def _parsed_header(frame: bytes, digest: str) -> bytes:
    """Return the line before the Parquet: digest of the blacklist, versions of the parser, digest of the Parquet."""
    return f"{digest} {RULES_VERSION} {pl.__version__} {sha256(frame).hexdigest()}".encode()
