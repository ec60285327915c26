"""The settings of a run: from arguments, else the environment, else `pvtop.toml`, else defaults."""

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
from pydantic import AfterValidator, BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, ValidationError

from pvtop._version import __version__
from pvtop.core.address import is_http, is_mistyped, local_path, public, redacted
from pvtop.core.errors import UsageError

CONFIG_FILE = "pvtop.toml"
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
SIZE = r"\d{1,15}(?:\.\d{1,3})?\s*(?:[kmgt]i?b)?"
WIKIMEDIA = "https://dumps.wikimedia.org/other/pageviews"
PUBLIC_BLACKLIST = "https://s3.amazonaws.com/dd-interview-data/data_engineer/wikipedia/blacklist_domains_and_pages"


def parse_duration(text: str) -> timedelta:
    """Parse `7d`, `12h`, `30m`, `90s` or `2w`.

    Raises:
        ValueError: The text is not a duration.
    """
    if match := re.fullmatch(r"(\d{1,6})([smhdw])", str(text).strip().lower(), re.ASCII):
        return timedelta(seconds=int(match[1]) * UNIT_SECONDS[match[2]])
    raise ValueError("must be a duration such as 7d, 12h or 30m")


def _check_size(value: object) -> str:
    """Refuse text that is not a size. `pydantic.ByteSize` alone would take `1,5GB` for one byte, and accept bits."""
    text = str(value).strip()
    if re.fullmatch(SIZE, text, re.ASCII | re.IGNORECASE):
        return text
    raise ValueError("must be a size such as 20GB, 500MB or 1GiB")


def _check_contact(text: str) -> str:
    """Refuse text that cannot be in the comment of a User-Agent."""
    if not text.isascii() or not text.isprintable() or set(text) & set("()\\"):
        raise ValueError("must be plain ASCII without parentheses or backslashes")
    return text


def _check_address(text: str) -> str:
    """Refuse text that is neither an address nor a path. Strip white space around it."""
    text = text.strip()
    if not text or "\0" in text:
        raise ValueError("must be an address or a path")
    if re.match(r"(?:s3a?|gcs|gs)://[^/]*[:@]", text, re.IGNORECASE):
        raise ValueError("must name a bucket without keys (set them in the environment)")
    links = [text] if is_http(text) else text.split("::")
    if any(local_path(link) and is_mistyped(link) for link in links):
        raise ValueError("must be an address with :// or a path (write ./ before a path that looks like an address)")
    if re.search(r"://[^/?#]*\s|://.*[\x01-\x1f\x7f-\x9f]", text, re.DOTALL):
        raise ValueError("must be an address without white space or control characters (write a space as %20)")
    if is_http(text) and not _is_valid_http(text):
        raise ValueError("must be an address with a valid host, port and user")
    return text


def _is_valid_http(address: str) -> bool:
    """Return whether host, port and user of an http(s) address are valid. The name of a user has no colon."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port or 1) > 0 and ":" not in unquote(parts.username or "")
    except ValueError:
        return False


def _check_root(text: str) -> str:
    """Refuse text that is not an address or a path, and URLs with a query or parameters."""
    if is_http(_check_address(text)) and re.search(r"[?#]|;[^/;]*=", text):
        raise ValueError("must be an address without a query or parameters")
    return text.strip()


def _check_folder(text: object) -> object:
    """Refuse an empty path and a URL.

    They would silently mean the working folder, or a folder with a strange name.
    """
    if text == "" or is_mistyped(str(text)):
        raise ValueError("must be the path of a folder")
    return text


Address = Annotated[str, BeforeValidator(str), AfterValidator(_check_address)]
Root = Annotated[str, BeforeValidator(str), AfterValidator(_check_root)]
Age = Annotated[timedelta, BeforeValidator(parse_duration)]
Size = Annotated[ByteSize, BeforeValidator(_check_size)]
FolderPath = Annotated[Path, BeforeValidator(_check_folder), AfterValidator(lambda folder: local_path(str(folder)))]


class Settings(BaseModel):
    """The settings of a run. Frozen; can be pickled.

    `Settings.load` also reads each field from `PVTOP_<FIELD>` in the environment (unless it is empty) and from
    `<field> = ...` in `./pvtop.toml`.

    Attributes:
        source: Location of the dumps: an http(s) address, a folder, or any fsspec address. It must have the layout
            of Wikimedia's server.
        blacklist: Address or path of the blacklist, or `none`.
        output: The lake: a folder or any fsspec address.
        cache_dir: The folder where downloads are kept.
        top: Number of pages per domain.
        keep_unknown: Rank pages titled `-` (unknown) like any other.
        malformed_limit: Share of malformed lines above which an hour fails.
        force: Make reports again even if they are up to date.
        check_source: Check whether the dump at the source has changed since the report was made.
        refresh_dump: Download dumps again.
        refresh_blacklist: Download the blacklist again.
        offline: Download nothing: use only the cache, and sources and blacklists that are files on this machine. What
            would have to be downloaded is an error, and so is a lake on object storage.
        no_validate: Write the report even if validation fails.
        expect_whole: Reject dumps that look incomplete. If not set, only incomplete dumps from Wikimedia and its
            mirrors are rejected.
        min_share: Smallest allowed share. A report is rejected if it has less than this share of the views of
            neighbouring hours, or if any of its counts is less than this share of the same count in the report it
            replaces. Neighbours are compared if the dump is expected to be complete, or if the neighbours look
            complete. They are not compared if `expect_whole` is false.
        contact: An e-mail or web address for the User-Agent, which Wikimedia requires.
        cache_max_age: During and after a batch, remove downloads older than this, e.g. `7d`.
        cache_max_size: During and after a batch, remove the oldest downloads until the rest fit in this size, e.g.
            `20GB`.
        max_download: Maximum size of a downloaded file, e.g. `1GB`.
        max_inflated: Largest size of a dump after decompression, e.g. `2GB`.
        statsd: `host:port` of a DogStatsD server that receives metrics.
        connections: Maximum number of simultaneous connections to a server.
        connect_timeout: Seconds within which a connection must be established.
        read_timeout: Maximum time in seconds for the start of a response, and for each 64 KiB after that. A slower
            server counts as stalled.
        attempts: Maximum number of attempts for each network request.
        backoff: Delay before the second attempt, in seconds. It doubles with each attempt, up to a minute, plus jitter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Root = WIKIMEDIA
    blacklist: Address = PUBLIC_BLACKLIST
    output: Root = "reports"
    cache_dir: FolderPath = Field(default_factory=lambda: platformdirs.user_cache_path("pvtop"))
    top: int = Field(25, ge=1, le=1_000_000)
    keep_unknown: bool = False
    malformed_limit: float = Field(0.01, ge=0, le=1)
    force: bool = False
    check_source: bool = False
    refresh_dump: bool = False
    refresh_blacklist: bool = False
    offline: bool = False
    no_validate: bool = False
    expect_whole: bool | None = None
    min_share: float = Field(0.5, ge=0, le=1)
    contact: Annotated[str, AfterValidator(_check_contact)] = ""
    cache_max_age: Age | None = None
    cache_max_size: Size | None = None
    max_download: Size = Field(ByteSize(10**9), ge=1)
    max_inflated: Size = Field(ByteSize(2 * 10**9), ge=1)
    statsd: str = ""
    connections: int = Field(2, ge=1, le=3)
    connect_timeout: float = Field(20, gt=0, allow_inf_nan=False)
    read_timeout: float = Field(60, gt=0, allow_inf_nan=False)
    attempts: int = Field(6, ge=1, le=100)
    backoff: float = Field(1, ge=0, le=3_600)

    @classmethod
    def load(cls, **arguments: Any) -> Settings:  # noqa: ANN401 - pydantic checks each field
        """Return settings from arguments (None means not given), the environment, `pvtop.toml` and defaults.

        Raises:
            UsageError: A value is invalid, a key is unknown, or `pvtop.toml` cannot be read.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        variables = ((name, os.environ.get(_variable(name))) for name in cls.model_fields)
        environment = {name: value for name, value in variables if value}
        try:
            return cls(**{**_read_file(), **environment, **given})
        except ValidationError as error:
            raise _invalid_setting(error, given, environment) from None

    @property
    def timeout(self) -> float:
        """Seconds within which a server must begin to answer, and a call of fsspec must end."""
        return self.connect_timeout + self.read_timeout

    @cached_property
    def user_agent(self) -> str:
        """The User-Agent in the form that Wikimedia requires: `pvtop/1.2.3 (you@example.org) aiohttp/3.14.0`."""
        names = [
            f"pvtop/{__version__}",
            f"({self.contact})" if self.contact else "",
            f"aiohttp/{version('aiohttp')}",
        ]
        return " ".join(filter(None, names))


def _read_file() -> dict[str, Any]:
    """Read `pvtop.toml`. Without the file, there are no values.

    Raises:
        UsageError: The file cannot be read, or is not valid TOML.
    """
    hint = "fix or remove it"
    try:
        with Path(CONFIG_FILE).open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"cannot read {CONFIG_FILE}: {error.strerror}", hint) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{CONFIG_FILE} is not valid TOML: {redacted(str(error))}", hint) from None


def _variable(name: str) -> str:
    return f"PVTOP_{name.upper()}"


def _invalid_setting(error: ValidationError, given: dict[str, Any], environment: dict[str, str]) -> UsageError:
    """Return the error for the first invalid setting. Its hint says where the value was given."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden" and name not in given:
        return UsageError(f"{CONFIG_FILE} sets {redacted(name)}, which is not a setting", "fix or remove that line")
    reason = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    value = redacted(public(str(first["input"])))
    message = f"{name}: {reason}, not {value!r}"
    if name in given:
        return UsageError(message, "given as an argument", setting=name)
    return UsageError(message, f"given as {_variable(name) if name in environment else f'{name} in {CONFIG_FILE}'}")
