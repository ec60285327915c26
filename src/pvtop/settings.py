"""What can be set, made once at the edge: flags before environment before `pvtop.toml` before defaults."""

from __future__ import annotations

import os
import re
import tomllib
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import platformdirs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pvtop._version import __version__
from pvtop.core.address import is_http, is_mistyped, local_path, public, redacted
from pvtop.core.errors import UsageError

CONFIG_FILE = "pvtop.toml"
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
SIZES = {
    "": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
WIKIMEDIA = "https://dumps.wikimedia.org/other/pageviews"
BLACKLIST = "https://s3.amazonaws.com/dd-interview-data/data_engineer/wikipedia/blacklist_domains_and_pages"


def parse_duration(text: str) -> timedelta:
    """Read `7d`, `12h`, `30m`, `90s` or `2w`.

    Raises:
        ValueError: The text is no duration.
    """
    if match := re.fullmatch(r"(\d{1,6})([smhdw])", str(text).strip().lower(), re.ASCII):
        return timedelta(seconds=int(match[1]) * UNITS[match[2]])
    raise ValueError("must be a duration such as 7d, 12h or 30m")


def parse_size(text: str) -> int:
    """Read `20GB`, `500MB`, `1.5GiB` or a number of bytes.

    Raises:
        ValueError: The text is no size.
    """
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]i?b)?", str(text).strip().lower(), re.ASCII)
    if match:
        return int(float(match[1]) * SIZES[match[2] or ""])
    raise ValueError("must be a size such as 20GB, 500MB or 1GiB")


def _header_comment(text: str) -> str:
    """Refuse what cannot stand in the comment of a User-Agent."""
    if not text.isascii() or not text.isprintable() or set(text) & set("()\\"):
        raise ValueError("must be plain ASCII without parentheses or backslashes")
    return text


def _address(text: str) -> str:
    """Refuse what is no address: an empty one, one whose host or port cannot be read."""
    text = text.strip()
    if not text or "\0" in text:
        raise ValueError("must name a place")
    if re.match(r"(?:s3a?|gcs|gs)://[^/]*[:@]", text, re.IGNORECASE):
        raise ValueError("must name a bucket without keys, which belong into the environment")
    links = [text] if is_http(text) else text.split("::")
    if any(local_path(link) and is_mistyped(link) for link in links):
        raise ValueError("must be an address with :// or a path, if need be with ./ before it")
    if re.search(r"://[^/?#]*\s|://.*[\x01-\x1f\x7f-\x9f]", text, re.DOTALL):
        raise ValueError("must be an address without white space or control characters, which are written as %20")
    if is_http(text) and not _is_readable(text):
        raise ValueError("must be an address whose user, host and port can be read")
    return text


def _is_readable(address: str) -> bool:
    """Tell whether user, host and port of an http(s) address can be read; a user's name has no colon."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port or 1) > 0 and ":" not in unquote(parts.username or "")
    except ValueError:
        return False


def _root(text: str) -> str:
    """Refuse what no path can be put after, too."""
    if is_http(_address(text)) and re.search(r"[?#]|;[^/;]*=", text):
        raise ValueError("must be an address without a query or parameters")
    return text.strip()


def _named(text: object) -> object:
    """Refuse the empty path, which would be the working folder, and an address, which would be a folder of its name."""
    if text == "" or is_mistyped(str(text)):
        raise ValueError("must name a folder")
    return text


Address = Annotated[str, BeforeValidator(str), AfterValidator(_address)]
Root = Annotated[str, BeforeValidator(str), AfterValidator(_root)]
Age = Annotated[timedelta, BeforeValidator(parse_duration)]
Size = Annotated[int, BeforeValidator(parse_size)]
FolderPath = Annotated[Path, BeforeValidator(_named), AfterValidator(lambda folder: local_path(str(folder)))]


class Settings(BaseModel):
    """Everything a run can be told. Frozen; safe to pickle.

    Each field is also `PVTOP_<FIELD>` in the environment, where an empty one counts as not set, and `<field> = ...`
    in `./pvtop.toml`.

    Attributes:
        source: Root with the server's layout: an http(s) address, a folder, or any fsspec address.
        blacklist: Address or path of the blacklist, or `none`.
        output: The lake: a folder or any fsspec address.
        cache_dir: Where downloads are kept.
        top: How many pages a domain gets.
        keep_unknown: Rank pages titled `-` (unknown) like any other.
        malformed_limit: Share of malformed lines above which an hour fails.
        force: Recompute hours that are done.
        check_source: Look up whether the source's file has changed since an hour was done.
        refresh_dump: Download dumps again.
        refresh_blacklist: Download the blacklist again.
        no_validate: Complete a report that breaks the rules, too.
        expect_whole: Whether dumps are expected to be whole; None for those of Wikimedia's server and its mirrors only.
        min_share: Share below which an hour fails: of the views of its neighbours, where it is expected to be whole or
            they can be, unless `expect_whole` is false; and of the report whose place it takes.
        contact: An address or e-mail for the User-Agent, which Wikimedia requires.
        cache_max_age: Downloads older than this are removed after a batch and in the midst of it, e.g. `7d`.
        cache_max_size: The oldest downloads above this are, e.g. `20GB`.
        max_download: The longest file that is downloaded, e.g. `1GB`.
        max_inflated: The longest content that a dump may have, e.g. `2GB`.
        statsd: `host:port` of a DogStatsD server that is sent metrics.
        connections: Connections to one server at a time.
        connect_timeout: Seconds until a connection must stand.
        read_timeout: Seconds within which a server must answer, and then send each 64 KiB; less counts as stalled.
        attempts: How often a step over the network is tried in all.
        backoff: Seconds before the second attempt; doubled for each further one, up to a minute, plus jitter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Root = WIKIMEDIA
    blacklist: Address = BLACKLIST
    output: Root = "reports"
    cache_dir: FolderPath = Field(default_factory=lambda: platformdirs.user_cache_path("pvtop"))
    top: int = Field(25, ge=1, le=1_000_000)
    keep_unknown: bool = False
    malformed_limit: float = Field(0.01, ge=0, le=1)
    force: bool = False
    check_source: bool = False
    refresh_dump: bool = False
    refresh_blacklist: bool = False
    no_validate: bool = False
    expect_whole: bool | None = None
    min_share: float = Field(0.5, ge=0, le=1)
    contact: Annotated[str, AfterValidator(_header_comment)] = ""
    cache_max_age: Age | None = None
    cache_max_size: Size | None = None
    max_download: Size = Field(10**9, ge=1)
    max_inflated: Size = Field(2 * 10**9, ge=1)
    statsd: str = ""
    connections: int = Field(2, ge=1, le=3)
    connect_timeout: float = Field(20, gt=0, allow_inf_nan=False)
    read_timeout: float = Field(60, gt=0, allow_inf_nan=False)
    attempts: int = Field(6, ge=1, le=100)
    backoff: float = Field(1, ge=0, le=3_600)

    @classmethod
    def load(cls, **flags: Any) -> Settings:  # noqa: ANN401 - checked by pydantic, field by field
        """Make settings from flags (None means not given), environment, `pvtop.toml` and defaults.

        Raises:
            UsageError: A value is wrong or a key unknown.
        """
        given = {name: value for name, value in flags.items() if value is not None}
        named = ((name, os.environ.get(f"PVTOP_{name.upper()}")) for name in cls.model_fields)
        environment = {name: value for name, value in named if value}
        try:
            return cls(**{**_read_file(), **environment, **given})
        except ValidationError as error:
            raise _refusal(error, given) from None

    @property
    def timeout(self) -> float:
        """Seconds within which an answer has to begin, and a step with a file system of fsspec to be done."""
        return self.connect_timeout + self.read_timeout

    @cached_property
    def user_agent(self) -> str:
        """The User-Agent by Wikimedia's policy: `pvtop/1.2.3 (you@example.org) aiohttp/3.14.0`."""
        names = [
            f"pvtop/{__version__}",
            f"({self.contact})" if self.contact else "",
            f"aiohttp/{version('aiohttp')}",
        ]
        return " ".join(filter(None, names))


def _read_file() -> dict[str, Any]:
    """Read `pvtop.toml`; there need not be one.

    Raises:
        UsageError: It cannot be read, or is not valid.
    """
    mend = "mend it or move it away"
    try:
        with Path(CONFIG_FILE).open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{CONFIG_FILE} cannot be read: {error.strerror}", mend) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{CONFIG_FILE} is not valid TOML: {redacted(str(error))}", mend) from None


def _refusal(error: ValidationError, given: dict[str, Any]) -> UsageError:
    """Say what is wrong with the first setting that was refused, and where it was given."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden" and name not in given:
        return UsageError(f"{CONFIG_FILE} sets {redacted(name)}, which is no setting", "the README lists the settings")
    reason, value = first["msg"].removeprefix("Value error, "), redacted(public(str(first["input"])))
    return UsageError(
        f"{name}: {reason}, not {value!r}",
        "given as the option or argument of that name"
        if name in given
        else f"given as PVTOP_{name.upper()} or in {CONFIG_FILE}",
    )
