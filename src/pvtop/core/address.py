"""Addresses: what kind one is, and how it is shown."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from pvtop.core.errors import UsageError

# What stands before a host, also where a slash or the colon is missing, or a slash too many.
SLASHES = r"(?<![:/])(?!(?<=file):///)(:/+|//+)"
# A name and a password before the host, by their colon; the password may hold a slash, as keys of S3 do, and a space.
# How long it is has a limit, as a text of many colons would take the square of its length.
LONGEST_KEY = "{1,2000}"
PORT = r"\d*(?:[/?#\s]|$)"
USER_AND_KEY = rf"{SLASHES}[^/?#@:\s]*:(?!:|{PORT})[^@\r\n]{LONGEST_KEY}@"
# With nothing before it, or with another file system's name.
BARE_USER_AND_KEY = rf"(?:(?<![^\s'\"(=])|(?<=\w::))[^/?#@:\s'\"(=]+(?!:/):(?!:|{PORT})[^@\s]{LONGEST_KEY}@"
CONTAINERS = {"abfs", "abfss", "wasb", "wasbs"}  # in these four the name is no user
# Nor is it where one of these stands before it; after three slashes it is no user's, but a path's.
USER = rf"{''.join(rf'(?<!{name})' for name in sorted(CONTAINERS))}{SLASHES}(?<!:///)[^/?#\s]*@"
QUERY = r"(:/+(?:(?!:/)[^\s'\"?#])*+)[?#][^\s'\"]*|\?[\w.%-]+=[^\s'\"]*"
PARAMETER = r";[\w.%-]+=[^/\s'\"]*"
MISTYPED = r"(?!file://)(?:[a-z][a-z\d+.-]*:/|https?//|//+[^/]*@|[^/:]*:.*@|[^/.~?;][^?;]*[?;][\w.%-]+=)"
HOST = r"(?:\[[^\]]*\]|[^:]*)(?::\d*)?"
CHAINED = re.compile(r"::(?=[a-z][a-z\d+.-]*://)", re.IGNORECASE)


def public(address: str) -> str:
    """Strip an address of what may be secret: user and password, query and fragment, parameters of a path."""
    if "://" not in address:
        return address
    links = [address] if is_http(address) else CHAINED.split(address)
    return "::".join(map(_public, links))


def _public(link: str) -> str:
    """Do so with an address that is one alone. Where a port should be and is not, a password with a slash in it is."""
    scheme, mark, rest = link.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    name, at, _ = authority.rpartition("@")
    if at and (":" in name or scheme.lower() not in CONTAINERS):
        rest = rest.removeprefix(name + at)
    elif not at and not re.fullmatch(HOST, authority):
        rest = rest.rpartition("@")[2]
    path = re.split(r"[?#]", rest, maxsplit=1)[0]
    return scheme + mark + re.sub(r";[^/;=]*=[^/]*", "", path)


def redacted(text: str) -> str:
    """Strip the addresses within a text, such as another library's message, of the same; mistyped ones, too."""
    named = re.sub(USER, r"\1", re.sub(USER_AND_KEY, r"\1", text))
    return re.sub(PARAMETER, "", re.sub(QUERY, r"\1", re.sub(BARE_USER_AND_KEY, "", named)))


def is_mistyped(path: str) -> bool:
    """Tell whether a path is rather an address with a part amiss: `https:/host`, `user:key@host`, `host/a?b=c`."""
    return re.match(MISTYPED, path, re.IGNORECASE) is not None


def local_path(address: str) -> Path | None:
    """Give the local path an address means, None where it is not local."""
    if address.startswith("file://"):
        host, slash, path = address.removeprefix("file://").partition("/")
        if host not in {"", "localhost"}:
            raise UsageError(f"{public(address)} names a host", "write file:///folder, with three slashes, or the path")
        return Path(unquote(slash + path))
    if "://" in address or "::" in address:
        return None
    try:
        return Path(address).expanduser()
    except RuntimeError:  # a tilde before a name that is no user's is part of the name
        return Path(address)


def is_http(address: str) -> bool:
    """Tell whether an address is one for HTTP."""
    return address.lower().startswith(("http://", "https://"))


def join(root: str, path: str) -> str:
    """Give the address of a path below a root."""
    return root + path if root.endswith("://") else f"{root.rstrip('/')}/{path}"
