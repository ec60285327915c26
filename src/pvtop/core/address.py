"""Addresses as text: which kind one is, and how to show one without its secrets."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from pvtop.core.errors import PvtopError, UsageError
from pvtop.core.escape import shorten

# The characters before a host, also with a slash or the colon missing, or with one slash too many.
SLASHES = r"(?<![:/])(?!(?<=file):///)(:/+|//+)"
# A user and a password before the host, recognised by the colon between them. The password may contain a slash, as keys
# of S3 do, and a space. Its length is limited, or a text with many colons would take quadratic time.
LONGEST_KEY = "{1,2000}"
PORT = r"\d*(?:[/?#\s]|$)"
USER_AND_KEY = rf"{SLASHES}[^/?#@:\s]*:(?!:|{PORT})[^@\r\n]{LONGEST_KEY}@"
# The same without a scheme, or after the name of another file system (`simplecache::`).
BARE_USER_AND_KEY = rf"(?:(?<![^\s'\"(=])|(?<=\w::))[^/?#@:\s'\"(=]+(?!:/):(?!:|{PORT})[^@\s]{LONGEST_KEY}@"
CONTAINERS = {"abfs", "abfss", "wasb", "wasbs"}  # in these four schemes, the name before the @ is a container
# A user without a password. After one of these schemes the name is a container, after three slashes part of a path.
USER = rf"{''.join(rf'(?<!{name})' for name in sorted(CONTAINERS))}{SLASHES}(?<!:///)[^/?#\s]*@"
QUERY = r"(:/+(?:(?!:/)[^\s'\"?#])*+)[?#][^\s'\"]*|\?[\w.%-]+=[^\s'\"]*"
PARAMETER = r";[\w.%-]+=[^/\s'\"]*"
MISTYPED = r"(?!file://)(?:[a-z][a-z\d+.-]*:/|https?//|//+[^/]*@|[^/:]*:.*@|[^/.~?;][^?;]*[?;][\w.%-]+=)"
HOST_AND_PORT = r"(?:\[[^\]]*\]|[^:]*)(?::\d*)?"
CHAINED = re.compile(r"::(?=[a-z][a-z\d+.-]*://)", re.IGNORECASE)


def public(address: str) -> str:
    """Return an address without what may be secret: user, password, query, fragment and path parameters."""
    if "://" not in address:
        return address
    links = [address] if is_http(address) else CHAINED.split(address)
    return "::".join(map(_public, links))


def _public(link: str) -> str:
    """Remove the secrets from one address of a chain.

    If the authority has no `@` but is not a host and port either, it is the start of a password that contains a slash.
    """
    scheme, mark, rest = link.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    name, at, _ = authority.rpartition("@")
    if at and (":" in name or scheme.lower() not in CONTAINERS):
        rest = rest.removeprefix(name + at)
    elif not at and not re.fullmatch(HOST_AND_PORT, authority):
        rest = rest.rpartition("@")[2]
    path = re.split(r"[?#]", rest, maxsplit=1)[0]
    return scheme + mark + re.sub(r";[^/;=]*=[^/]*", "", path)


def redacted(text: str) -> str:
    """Return a text, such as a library's message, without the secrets of its addresses, mistyped ones included."""
    named = re.sub(USER, r"\1", re.sub(USER_AND_KEY, r"\1", text))
    return re.sub(PARAMETER, "", re.sub(QUERY, r"\1", re.sub(BARE_USER_AND_KEY, "", named)))


def is_mistyped(path: str) -> bool:
    """Return whether a path looks like a mistyped address: `https:/host`, `user:key@host`, `host/a?b=c`."""
    return re.match(MISTYPED, path, re.IGNORECASE) is not None


def local_path(address: str) -> Path | None:
    """Return the local path of an address, or None if the address is not local.

    Raises:
        UsageError: A `file:` address names another host.
    """
    if address.startswith("file://"):
        host, slash, path = address.removeprefix("file://").partition("/")
        if host not in {"", "localhost"}:
            raise UsageError(
                f"{public(address)} names a host, but files must be local",
                "write file:///folder with three slashes, or a path",
            )
        return Path(unquote(slash + path))
    if "://" in address or "::" in address:
        return None
    try:
        return Path(address).expanduser()
    except RuntimeError:  # the name after the tilde is not a user, so the tilde is part of a file name
        return Path(address)


def file_at(path: Path | str) -> Path:
    """Return the path of a file on this machine that an argument of the library names.

    Raises:
        UsageError: The argument is neither a path nor text, or is an address.
    """
    given: object = path
    found = local_path(str(given)) if isinstance(given, str | Path) and str(given) else None
    if found is None:
        shown = repr(public(given) if isinstance(given, str) else given)
        raise UsageError(f"{shorten(redacted(shown))} is not a path", "pass the path of a file on this machine")
    return found


def absolute(path: Path) -> Path:
    """Return the path from the root folder.

    Raises:
        PvtopError: The path is relative, and the current folder no longer exists.
    """
    try:
        return path.absolute()
    except FileNotFoundError:
        raise PvtopError(
            f"cannot find {path}: the current folder no longer exists", "change to a folder that exists, and try again"
        ) from None


def is_http(address: str) -> bool:
    """Return whether an address is an http(s) address."""
    return address.lower().startswith(("http://", "https://"))


def join(root: str, path: str) -> str:
    """Return the address of a path below a root."""
    return root + path if root.endswith("://") else f"{root.rstrip('/')}/{path}"
