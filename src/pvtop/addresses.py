"""Addresses: what kind one is, and how it is shown."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from pvtop.errors import UsageError

SLASHES = r"(:/{1,2})(?!/)"  # one may have been forgotten
# A name and a password before the host, by their colon; the password may hold a slash, as keys of S3 do.
USER_AND_KEY = SLASHES + r"[^/?#@:\s]*:(?!:|\d*(?:[/?#\s]|$))[^@\s]*@"
USER = (
    r"(?<!abfs)(?<!abfss)(?<!wasb)(?<!wasbs)" + SLASHES + r"[^/?#\s]*@"
)  # in these four it is no user, but a container


def public(address: str) -> str:
    """Strip an address of what may be secret: user and password, query and fragment."""
    if "://" not in address:
        return address
    return _without_user(re.sub(r"[?#].*", "", _without_user(address), flags=re.DOTALL))


def redacted(text: str) -> str:
    """Strip the addresses within a text, such as another library's message, of the same."""
    return re.sub(r"\?[^\s'\"]*", "", _without_user(text))


def _without_user(text: str) -> str:
    return re.sub(USER, r"\1", re.sub(USER_AND_KEY, r"\1", text))


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
