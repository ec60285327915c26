"""Addresses: where something is, as a value that never shows a secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pvtop.core.config_file import home_folder
from pvtop.core.errors import PvtopError, UsageError
from pvtop.core.escape import shorten
from pvtop.core.redaction import DATABASE, is_database, is_http, redacted, without_secrets

MISTYPED = (
    rf"(?!file://)(?:[a-z][a-z\d+.-]*:/|https?//|{DATABASE}(?://|:)|//+[^/]*@|[^/:]*:.*@|[^/.~?;][^?;]*[?;][\w.%-]+=)"
)
HIGHEST_PORT = 65_535
INVALID_HOST = "must be an address with a valid host, port and user"
WHITE_SPACE = "must be an address without white space or control characters (write a space as %20)"


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where something is: a path, or an http(s), fsspec or database address. Its text shows no user, password or query.

    Two addresses are equal if their whole texts, secrets included, and their local paths are. A local address can be
    used as a path.

    Attributes:
        local_path: Its path on this machine, None if it is elsewhere.
    """

    _whole: str
    local_path: Path | None

    @classmethod
    def at(cls, value: AddressLike) -> Address:
        """Return the address that a value means.

        Raises:
            UsageError: A `file:` address names another host.
        """
        if isinstance(value, Address):
            return value
        return cls(str(value), _expanded(value) if isinstance(value, Path) else _local_path(str(value)))

    @property
    def is_http(self) -> bool:
        """Whether it is an http(s) address."""
        return is_http(self._whole)

    def __truediv__(self, path: str) -> Address:
        separated = self._whole if self._whole.endswith("://") else f"{self._whole.rstrip('/')}/"
        return Address(separated + path, self.local_path and self.local_path / path)

    def __fspath__(self) -> str:
        if self.local_path is None:
            raise UsageError(f"{self} is not on this machine", "name a path")
        return str(self.local_path)

    def __str__(self) -> str:
        return without_secrets(self._whole)

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    def with_secrets(self) -> str:
        """Return the whole text, as other libraries need it. Never show, log or store it."""
        return self._whole

    def absolute(self) -> Address:
        """Return the address with its path from the root folder. One that is not local stays as it is.

        Raises:
            PvtopError: The path is relative, and the current folder no longer exists.
        """
        try:
            return Address.at(self.local_path.absolute()) if self.local_path else self
        except FileNotFoundError:
            hint = "change to a folder that exists, and try again"
            raise PvtopError(f"cannot find {self.local_path}: the current folder no longer exists", hint) from None


AddressLike = Address | Path | str


def _local_path(address: str) -> Path | None:
    """Return the local path of an address, or None if the address is not local.

    Raises:
        UsageError: A `file:` address names another host.
    """
    if address.startswith("file://"):
        host, slash, path = address.removeprefix("file://").partition("/")
        if host not in {"", "localhost"}:
            raise UsageError(
                f"{without_secrets(address)} names a host, but files must be local",
                "write file:///folder with three slashes, or a path",
            )
        return Path(unquote(slash + path))
    if "://" in address or "::" in address:
        return None
    return _expanded(Path(address))


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # the name after the tilde is not a user, so the tilde is part of a file name
        return path


def file_at(path: AddressLike) -> Path:
    """Return the path of a file on this machine that an argument of the library names.

    Raises:
        UsageError: The argument does not name a file on this machine.
    """
    given: object = path
    found = Address.at(given).local_path if isinstance(given, AddressLike) and str(given) else None
    if found is None:
        shown = repr(without_secrets(given) if isinstance(given, str) else given)
        raise UsageError(f"{shorten(redacted(shown))} is not a path", "pass the path of a file on this machine")
    return found


def check_expanded(path: str) -> None:
    """Raise ValueError if a local path would make a folder named `$HOME` or `~`."""
    if re.search(r"(?:^|/)\$[A-Za-z_]|\$\{", path):
        raise ValueError("must be a path without variables (write the path in full, or ~ for the home folder)")
    if re.match(r"~(?:/|$)", path) and home_folder() is None:
        raise ValueError("must be a path without ~, because HOME is not set")


def parse_address(value: object) -> Address:
    """Check what a user wrote, and return its address. White space around it is dropped.

    Raises:
        ValueError: It is not a valid address or path.
        UsageError: A `file:` address names another host.
    """
    text = Address.at(value).with_secrets().strip() if isinstance(value, AddressLike) else ""
    if not text or "\0" in text:
        raise ValueError("must be an address or a path")
    if re.match(r"(?:s3a?|gcs|gs)://[^/]*[:@]", text.lower()):
        raise ValueError("must name a bucket without keys (set them in the environment)")
    address = Address.at(text)
    links = [text] if address.is_http else text.split("::")
    paths = [link for link in links if Address.at(link).local_path]
    for path in paths:
        check_expanded(path)
    if any(map(is_mistyped, paths)):
        raise ValueError("must be an address with :// or a path (write ./ before a path that looks like an address)")
    if re.search(r"://[^/?#]*\s|://.*[\x01-\x1f\x7f-\x9f]", text, re.DOTALL):
        raise ValueError(WHITE_SPACE)
    if is_database(text):
        _check_database(text)
    if address.is_http and not _is_valid_http(text):
        raise ValueError(INVALID_HOST)
    return address


def _check_database(address: str) -> None:
    """Raise ValueError if the address of a database is invalid, or can be read in two ways."""
    login_and_host, _, options = address.partition("://")[2].partition("?")
    login, _, host = login_and_host.rpartition("@")
    if "@" in login + options or re.match("[^:]*/", login):
        raise ValueError("must be an address with one @, before the host (write any other @ as %40, and a ? as %3F)")
    if re.search(r"\s", login):
        raise ValueError(WHITE_SPACE)
    authority = re.fullmatch(r"(?:\[[^\]]*\]|[^:]*)(?::(\d{0,5}))?", host.partition("/")[0])
    if not authority or not 0 < int(authority[1] or 1) <= HIGHEST_PORT:
        raise ValueError(INVALID_HOST)


def _is_valid_http(address: str) -> bool:
    """Return whether host, port and user of an http(s) address are valid. The name of a user has no colon."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port or 1) > 0 and ":" not in unquote(parts.username or "")
    except ValueError:
        return False


def parse_root(value: object) -> Address:
    """Check an address that paths are joined to, and return it.

    Raises:
        ValueError: It is not valid, or is an http(s) address with a query or path parameters.
        UsageError: A `file:` address names another host.
    """
    address = parse_address(value)
    if address.is_http and re.search(r"[?#]|;[^/;]*=", address.with_secrets()):
        raise ValueError("must be an address without a query or parameters")
    return address


def is_mistyped(path: str) -> bool:
    """Return whether a path looks like a mistyped address: `https:/host`, `user:key@host`, `host/a?b=c`."""
    return re.match(MISTYPED, path.lower()) is not None
