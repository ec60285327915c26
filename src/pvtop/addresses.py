"""Addresses: what kind one is, and how it is shown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit


def public(address: str) -> str:
    """Strip an address of what may be secret: user and password, query and fragment."""
    if "://" not in address:
        return address
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def local_path(address: str) -> Path | None:
    """Give the local path an address means, None where it is not local."""
    if address.startswith("file://"):
        return Path(unquote(urlsplit(address).path))
    return None if "://" in address or "::" in address else Path(address).expanduser()


def is_http(address: str) -> bool:
    """Tell whether an address is one for HTTP."""
    return address.lower().startswith(("http://", "https://"))


def join(root: str, path: str) -> str:
    """Give the address of a path below a root."""
    return f"{root.rstrip('/')}/{path}"
