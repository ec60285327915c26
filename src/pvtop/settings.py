"""The settings of a run: from arguments, else the environment, else `pvtop.toml`, else defaults.

`core.given` collects what was given. This module says what is valid.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    GetPydanticSchema,
    PlainSerializer,
    ValidationError,
)

from pvtop._version import __version__
from pvtop.core.address import Address, check_expanded, is_mistyped, parse_address, parse_root
from pvtop.core.errors import UsageError
from pvtop.core.escape import shorten
from pvtop.core.given import Given, Origin, collect
from pvtop.core.redaction import redacted, without_secrets
from pvtop.core.setting_names import not_a_setting

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
SIZE = r"\d{1,15}(?:\.\d{1,3})?\s*(?:[kmgt]i?b)?"
WIKIMEDIA = Address.at("https://dumps.wikimedia.org/other/pageviews")
NO_BLACKLIST = Address.at("none")
PUBLIC_BLACKLIST = Address.at(
    "https://s3.amazonaws.com/dd-interview-data/data_engineer/wikipedia/blacklist_domains_and_pages"
)
PATHS = {"source", "blacklist", "output", "cache_dir", "mart"}  # the settings that can be paths

# The cache folder of somebody without a home folder. Nothing can be there, and nothing can be written there.
NO_CACHE_DIR = Path(os.devnull, "pvtop")

# Why a value is not valid, for each error of pydantic that a field or an option can have. Braces are filled in.
REASONS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "path_type": "must be the path of a folder",
    "string_type": "must be text",
    "string_unicode": "must be UTF-8 text",
    "value_error": "{error}",
}


def parse_duration(text: str) -> timedelta:
    """Parse `7d`, `12h`, `30m`, `90s` or `2w`.

    Raises:
        ValueError: The text is not a duration.
    """
    if match := re.fullmatch(r"(\d{1,6})([smhdw])", str(text).strip().lower(), re.ASCII):
        return timedelta(seconds=int(match[1]) * UNIT_SECONDS[match[2]])
    raise ValueError("must be a duration such as 7d, 12h or 30m")


def format_duration(age: timedelta) -> str:
    """Return a duration as `parse_duration` reads it, in days, hours, minutes or seconds: `2d`."""
    seconds = int(age.total_seconds())
    unit = next(one for one in "dhms" if seconds % UNIT_SECONDS[one] == 0)
    return f"{seconds // UNIT_SECONDS[unit]}{unit}"


def _check_age(value: object) -> timedelta:
    return value if isinstance(value, timedelta) else parse_duration(str(value))


def _check_size(value: object) -> str:
    """Refuse text that is not a size. `pydantic.ByteSize` alone would take `1,5GB` for one byte, and accept bits."""
    text = str(value).strip()
    if re.fullmatch(SIZE, text, re.ASCII | re.IGNORECASE):
        return text
    raise ValueError("must be a size such as 20GB, 500MB or 1GiB")


def _check_number(value: object) -> object:
    """Refuse true and false, which pydantic would take for 1 and 0."""
    if not isinstance(value, bool):
        return value
    raise ValueError("must be a number")


def _check_contact(text: str) -> str:
    """Refuse text that cannot be in the comment of a User-Agent."""
    if not text.isascii() or not text.isprintable() or set(text) & set("()\\"):
        raise ValueError("must be plain ASCII without parentheses or backslashes")
    return text


def _check_folder(text: object) -> object:
    """Refuse an empty path, a URL, and a variable.

    They would silently mean the working folder, or a folder with a strange name.
    """
    if text == "" or is_mistyped(str(text)) or "\0" in str(text):
        raise ValueError("must be the path of a folder")
    check_expanded(str(text))
    return text


def _user_folder(find: Callable[[str], Path]) -> Path | None:
    """Return a folder of the user by a function of platformdirs, or None if the user has no home folder."""
    try:
        folder = find("pvtop")
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None  # older versions of platformdirs return ~/.cache as it is


# Otherwise pydantic also builds a schema of the fields of `Address` for each setting, which takes time.
ANY_VALUE = GetPydanticSchema(lambda _, handler: handler(Any))

AnyAddress = Annotated[Address, ANY_VALUE, AfterValidator(parse_address), PlainSerializer(Address.with_secrets)]
Root = Annotated[Address, ANY_VALUE, AfterValidator(parse_root), PlainSerializer(Address.with_secrets)]
Age = Annotated[timedelta, BeforeValidator(_check_age), PlainSerializer(format_duration, when_used="json")]
Size = Annotated[ByteSize, BeforeValidator(_check_size)]
Integer = Annotated[int, BeforeValidator(_check_number)]
Number = Annotated[float, BeforeValidator(_check_number)]
FolderPath = Annotated[Path, BeforeValidator(_check_folder), AfterValidator(lambda path: Path(Address.at(path)))]


class Settings(BaseModel):
    """The settings of a run. Frozen; can be pickled.

    `Settings.load` also reads each field from `PVTOP_<FIELD>` in the environment (unless it is empty) and from
    `<field> = ...` in `pvtop.toml`: the nearest one, in the working folder or above it, and then the user's own. A
    relative path in a file starts at the folder of that file.

    Attributes:
        source: Location of the dumps: an http(s) address, a folder, or any fsspec address. It must have the layout
            of Wikimedia's server.
        blacklist: Address or path of the blacklist, or `none`.
        output: The lake: a folder or any fsspec address.
        cache_dir: The folder where downloads are kept. `NO_CACHE_DIR` if it is not set and the user has no home folder.
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
        cache_max_age: During and after a batch, and after each day file and rollup, remove downloads older than this,
            e.g. `7d`.
        cache_max_size: During and after a batch, and after each day file and rollup, remove the oldest downloads until
            the rest fit in this size, e.g. `20GB`.
        days_overdue: How long after its end a day is made although hours are not published, e.g. `48h`.
        max_download: Maximum size of a downloaded file, e.g. `1GB`.
        max_inflated: Largest size of a dump after decompression, e.g. `2GB`.
        statsd: `host:port` of a DogStatsD server that receives metrics.
        mart: The database with the datamart: a DuckDB file, or the address of a PostgreSQL, MariaDB or MySQL database.
            An address may hold a password, which a variable keeps out of the list of processes.
        connections: Maximum number of simultaneous connections to a server.
        connect_timeout: Seconds within which a connection must be established.
        read_timeout: Maximum time in seconds for the start of a response, and for each 64 KiB after that. A slower
            server counts as stalled.
        attempts: Maximum number of attempts for each network request.
        backoff: Delay before the second attempt, in seconds. It doubles with each attempt, up to a minute, plus jitter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Root = WIKIMEDIA
    blacklist: AnyAddress = PUBLIC_BLACKLIST
    output: Root = Address.at("reports")
    cache_dir: FolderPath = Field(default_factory=lambda: _user_folder(platformdirs.user_cache_path) or NO_CACHE_DIR)
    top: Integer = Field(25, ge=1, le=1_000_000)
    keep_unknown: bool = False
    malformed_limit: Number = Field(0.01, ge=0, le=1)
    force: bool = False
    check_source: bool = False
    refresh_dump: bool = False
    refresh_blacklist: bool = False
    offline: bool = False
    no_validate: bool = False
    expect_whole: bool | None = None
    min_share: Number = Field(0.5, ge=0, le=1)
    contact: Annotated[str, AfterValidator(_check_contact)] = ""
    cache_max_age: Age | None = None
    cache_max_size: Size | None = None
    days_overdue: Age = timedelta(hours=48)
    max_download: Size = Field(ByteSize(10**9), ge=1)
    max_inflated: Size = Field(ByteSize(2 * 10**9), ge=1)
    statsd: str = ""
    mart: AnyAddress | None = None
    connections: Integer = Field(2, ge=1, le=3)
    connect_timeout: Number = Field(20, gt=0, allow_inf_nan=False)
    read_timeout: Number = Field(60, gt=0, allow_inf_nan=False)
    attempts: Integer = Field(6, ge=1, le=100)
    backoff: Number = Field(1, ge=0, le=3_600)

    if TYPE_CHECKING:

        def __init__(self, **values: Any) -> None: ...  # noqa: ANN401 - an address may be text

    @classmethod
    def load(cls, **arguments: Any) -> Settings:  # noqa: ANN401 - pydantic checks each field
        """Return settings from arguments (None means not given), the environment, `pvtop.toml` and defaults.

        Raises:
            UsageError: A value is invalid, a key is unknown, or `pvtop.toml` cannot be read.
        """
        return cls.of(given_settings(**arguments))

    @classmethod
    def of(cls, given: Mapping[str, Given]) -> Settings:
        """Return settings from what `given_settings` has found.

        Raises:
            UsageError: A value is invalid, or a name is not a setting.
        """
        for name, value in given.items():
            if name not in cls.model_fields:
                raise UsageError(not_a_setting(name, cls.model_fields), str(value))
        try:
            settings = cls(**{name: value.value for name, value in given.items()})
        except ValidationError as error:
            raise _invalid(error, given) from None
        resolved = {name: _resolved(settings, name, given[name]) for name in PATHS & given.keys()}
        return BaseModel.model_copy(settings, update=resolved)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return the settings with other values. Unlike pydantic's own, this checks them.

        Raises:
            ValidationError: A value is invalid, or a name is not a setting.
        """
        checked = type(self)(**(update or {}))
        return super().model_copy(update={name: getattr(checked, name) for name in checked.model_fields_set}, deep=deep)

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


def given_settings(**arguments: Any) -> dict[str, Given]:  # noqa: ANN401 - pydantic checks each field
    """Return what was given in arguments (None means not given), the environment and `pvtop.toml`, and where.

    Raises:
        UsageError: A `pvtop.toml` cannot be read.
    """
    return collect(Settings.model_fields, arguments, _user_folder(platformdirs.user_config_path))


def _resolved(settings: Settings, name: str, given: Given) -> Address | Path:
    """Return a valid address or path. If it is a relative path in a file, it starts at the folder of that file."""
    value: Address | Path = getattr(settings, name)
    path = value if isinstance(value, Path) else value.local_path
    if path is None or path.is_absolute() or given.folder == Path() or (name, value) == ("blacklist", NO_BLACKLIST):
        return value
    return given.folder / path if isinstance(value, Path) else Address.at(given.folder / path)


def _invalid(error: ValidationError, given: Mapping[str, Given]) -> UsageError:
    """Return the error for the first invalid setting. Its hint says where the value was given."""
    name = str(error.errors()[0]["loc"][0])
    setting = name if given[name].origin is Origin.ARGUMENT else ""
    return UsageError(f"{name}: {reason(error)}", str(given[name]), setting=setting)


def reason(error: ValidationError) -> str:
    """Return why the first invalid value is not valid, in our words: `must be a whole number, not 'x'`."""
    first = error.errors(include_url=False)[0]
    why = REASONS.get(first["type"], "is not valid").format(**first.get("ctx", {}))
    return f"{why}, not {shorten(redacted(without_secrets(str(first['input']))))!r}"
