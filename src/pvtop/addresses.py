"""Addresses: what kind one is, and how it is shown."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from pvtop.errors import UsageError

# What stands before a host, also where a slash or the colon is missing, or a slash too many.
SLASHES = r"(?<![:/])(?!(?<=file):///)(:/+|//+)"
# A name and a password before the host, by their colon; the password may hold a slash, as keys of S3 do.
KEY = r":(?!:|\d*(?:[/?#\s]|$))[^@\s]*@"
USER_AND_KEY = rf"{SLASHES}[^/?#@:\s]*{KEY}"
BARE_USER_AND_KEY = rf"(?<![^\s'\"(=])[^/?#@:\s'\"(=]+(?!:/){KEY}"  # with nothing before it
# In these four the name is no user, but a container; after three slashes it is no user's, but a path's.
USER = rf"(?<!abfs)(?<!abfss)(?<!wasb)(?<!wasbs){SLASHES}(?<!:///)[^/?#\s]*@"
QUERY = r"(:/+[^\s'\"?#]*)[?#][^\s'\"]*|\?[\w.%-]+=[^\s'\"]*"
MISTYPED = r"(?!file://)[a-z][a-z\d+.-]*:/|https?//|[^/]*:[^/]*@|[^/.~?][^?]*\?[\w.%-]+="


def public(address: str) -> str:
    """Strip an address of what may be secret: user and password, query and fragment."""
    if "://" not in address:
        return address
    return _without_user(re.sub(r"[?#].*", "", _without_user(address), flags=re.DOTALL))


def redacted(text: str) -> str:
    """Strip the addresses within a text, such as another library's message, of the same; mistyped ones, too."""
    return re.sub(QUERY, r"\1", re.sub(BARE_USER_AND_KEY, "", _without_user(text)))


def _without_user(text: str) -> str:
    return re.sub(USER, r"\1", re.sub(USER_AND_KEY, r"\1", text))


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
