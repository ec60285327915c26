"""The blacklist of a run: read, downloaded, kept as parsed."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import polars as pl

from pvtop.core.address import local_path, public
from pvtop.core.errors import BlacklistError, SourceError
from pvtop.settings import Settings
from pvtop.sources.cache import Cache
from pvtop.sources.download import download
from pvtop.storage.atomic import open_regular, write_atomic
from pvtop.storage.http import Client
from pvtop.transform.blacklist import no_blacklist, parse_blacklist
from pvtop.transform.report import RULES_VERSION
from pvtop.transform.titles import encode_titles

MAX_BYTES = 64_000_000  # bytes, a million entries; the public one has some 2.5 million


def read_blacklist(path: Path) -> pl.DataFrame:
    """Read a blacklist: lines of `domain_code page_title`, one space between them.

    Entries are percent-encoded in part, a dump's titles are decoded: each entry counts as it is written and decoded
    (as UTF-8, what is not becoming U+FFFD as in a dump; a space becoming `_`). Entries without a title are skipped.

    Args:
        path: The file.

    Returns:
        `domain_code` String (`""` becomes the empty string), `page_title` String; no row twice, sorted.

    Raises:
        BlacklistError: The file cannot be read, or is no blacklist but, say, a web page.
    """
    return parse_blacklist(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """Read a blacklist's bytes.

    Raises:
        BlacklistError: The file cannot be read, or is too long.
    """
    try:
        with open_regular(path) as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BlacklistError(
            f"the blacklist {path} cannot be read: {reason}", "--blacklist takes an address, a path, or none"
        ) from error
    if len(content) > MAX_BYTES:
        raise BlacklistError(f"the blacklist {path} is longer than {MAX_BYTES:,} bytes", "check that it is a blacklist")
    return content


def verify_blacklist(path: Path, shown: str) -> str:
    """Read a blacklist that was downloaded to see whether it is one, and give the sha256 of the file, in hex.

    Raises:
        BlacklistError: It is none.
    """
    content = read_bytes(path)
    parse_blacklist(content, shown)
    return sha256(content).hexdigest()


NONE = "none"


@dataclass(frozen=True)
class Blacklist:
    """The blacklist of a run.

    Attributes:
        address: Where it came from, without secrets, or `none`.
        sha256: Its digest, in hex; None for none.
        pages: `domain_code` String, `page_title` String, in both spellings.
    """

    address: str
    sha256: str | None
    pages: pl.DataFrame

    @cached_property
    def written(self) -> pl.DataFrame:
        """The pages with their titles as dumps write them; worked out once for all hours of a run."""
        return encode_titles(self.pages.lazy()).collect(engine="in-memory")


async def obtain_blacklist(client: Client, settings: Settings) -> Blacklist:
    """Read the blacklist, downloading it first where it is neither local nor in the cache.

    Raises:
        BlacklistError: It cannot be had, or is none.
        OutputError: The cache cannot be written.
    """
    address = settings.blacklist
    if address == NONE:
        return Blacklist(NONE, None, no_blacklist())
    cache = Cache(settings.cache_dir)
    if path := local_path(address):
        absolute = str(path.absolute())
        return _read(path, str(path), absolute, cache.parsed_blacklist(absolute))
    path = cache.blacklist(address)
    if settings.refresh_blacklist or not Cache.find(path, address):
        try:
            await download(client, address, path, verify_blacklist)
        except SourceError as error:
            hint = error.hint or "--blacklist takes an address, a path, or none"
            raise BlacklistError(f"the blacklist cannot be had: {error}", hint) from error
    return _read(path, public(address), public(address), cache.parsed_blacklist(address))


def _read(path: Path, shown: str, address: str, parsed: Path) -> Blacklist:
    """Read a blacklist; what it was parsed into is kept, as parsing takes a tenth of the time of an hour."""
    content = read_bytes(path)
    digest = sha256(content).hexdigest()
    pages = _kept_pages(parsed, digest)
    if pages is None:
        pages = parse_blacklist(content, shown)
        _keep_pages(pages, parsed, digest)
    return Blacklist(address, digest, pages)


def _kept_pages(path: Path, digest: str) -> pl.DataFrame | None:
    """Read what was kept of the blacklist of a digest; None where it is of another, by other rules, or damaged."""
    try:
        head, _, frame = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return pl.read_parquet(frame) if head == _head(frame, digest) else None


def _keep_pages(pages: pl.DataFrame, path: Path, digest: str) -> None:
    """Keep the pages of a blacklist; where they cannot be, they are parsed again the next time."""
    buffer = io.BytesIO()
    pages.write_parquet(buffer, compression="lz4")  # read in half the time that Arrow's own format takes
    frame = buffer.getvalue()
    with contextlib.suppress(OSError):
        write_atomic(path, _head(frame, digest) + b"\n" + frame)


def _head(frame: bytes, digest: str) -> bytes:
    """Give the line before a frame that is kept: what it was parsed from and how, and the digest of its bytes."""
    return f"{digest} {RULES_VERSION} {pl.__version__} {sha256(frame).hexdigest()}".encode()
