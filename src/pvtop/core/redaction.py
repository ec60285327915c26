"""Remove secrets from texts: from an address, and from the addresses that a message quotes."""

from __future__ import annotations

import re

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
DATABASES = ("mariadb", "mysql", "postgres", "postgresql")  # schemes; a + and the name of a driver may follow
DATABASE = rf"(?:{'|'.join(DATABASES)})(?:\+\w+)?"
# In the address of a database, the password goes up to the @. It may begin like a port, or even contain another @.
DATABASE_LOGIN = rf"(?<!\w)({DATABASE}(?::/*|//+))\S{LONGEST_KEY}@"
# If its host is missing, the password is in the place of the port.
IN_PLACE_OF_PORT = r"[^\s'\"/?#:@\[]*:(?!\d*(?:[/?#\s'\"):;,.]|$))[^\s'\"]*"
WITHOUT_HOST = rf"(?<!\w)({DATABASE}(?::/*|//+)){IN_PLACE_OF_PORT}"
HOST_AND_PORT = r"(?:\[[^\]]*\]|[^:]*)(?::\d*)?"
CHAINED = r"::(?=[a-z][a-z\d+.-]*://)"


def without_secrets(address: str) -> str:
    """Return an address without what may be secret: user, password, query, fragment and path parameters."""
    if "://" not in address:
        return address
    links = [address] if is_http(address) else re.split(CHAINED, address, flags=re.IGNORECASE)
    return "::".join(map(_link_without_secrets, links))


def _link_without_secrets(link: str) -> str:
    """Remove the secrets from one address of a chain.

    If the authority has no `@` but is not a host and port either, it is the start of a password that contains a slash.
    In the address of a database without any `@`, it may be a password whose host is missing.
    """
    scheme, mark, rest = link.partition("://")
    if is_database(link):
        rest = _host_and_path(rest)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    name, at, _ = authority.rpartition("@")
    if at and (":" in name or scheme.lower() not in CONTAINERS):
        rest = rest.removeprefix(name + at)
    elif not at and not re.fullmatch(HOST_AND_PORT, authority):
        rest = "" if is_database(link) else rest.rpartition("@")[2]
    path = re.split(r"[?#]", rest, maxsplit=1)[0]
    return scheme + mark + re.sub(r";[^/;=]*=[^/]*", "", path)


def _host_and_path(rest: str) -> str:
    """Return what comes after user and password in the address of a database.

    Returns the empty string if an @ follows a question mark. It may end a password, or be part of an option.
    """
    before, _, options = rest.partition("?")
    return "" if "@" in options else before.rpartition("@")[2]


def redacted(text: str) -> str:
    """Return a text, such as a library's message, without the secrets of its addresses, mistyped ones included."""
    for login in (DATABASE_LOGIN, WITHOUT_HOST):
        text = re.sub(login, r"\1", text, flags=re.IGNORECASE)
    named = re.sub(USER, r"\1", re.sub(USER_AND_KEY, r"\1", text))
    return re.sub(PARAMETER, "", re.sub(QUERY, r"\1", re.sub(BARE_USER_AND_KEY, "", named)))


def is_http(address: str) -> bool:
    """Return whether an address is an http(s) address."""
    return address.lower().startswith(("http://", "https://"))


def is_database(address: str) -> bool:
    """Return whether an address is that of a database on a server."""
    return re.match(rf"\s*{DATABASE}://", address.lower()) is not None
