"""The page: a title within a domain code, as a person writes it or as its address has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Self, TypeAlias
from urllib.parse import unquote_to_bytes

from pvtop.core.arguments import is_text
from pvtop.core.domain import ACCESS, ALSO_A_CHAPTER, SITE_OF_PROJECT, Domain
from pvtop.core.errors import UsageError
from pvtop.core.escape import shorten
from pvtop.core.redaction import redacted
from pvtop.core.setting_names import nearest

ADDRESS = re.compile(
    r"https?://(?:[^/?#@]*@)?(?P<host>[^/?#]*?)(?::\d*)?(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.IGNORECASE | re.DOTALL,
)
ARTICLE = "/wiki/"
SCRIPT = "/w/index.php"
NO_CODE = re.compile(r"[\s/]")
FORMS = "write code:title, such as en:Climate, or the address of an article, https://en.wikipedia.org/wiki/Climate"


@dataclass(frozen=True, order=True, slots=True)
class Page:
    """A page, as the dumps name it.

    Args:
        domain_code: The code as in the dump, `en.m`; the empty string for projects without their own code.
        title: The title as in the dump, with `_` for a space. Redirects are pages of their own.

    Raises:
        UsageError: One of them is not text, or the title is empty.
    """

    domain_code: str
    title: str

    def __post_init__(self) -> None:
        if not is_text(self.domain_code) or not is_text(self.title):
            raise UsageError(f"{shorten(repr((self.domain_code, self.title)))} is not a domain code and a title", FORMS)
        if not self.title:
            raise UsageError(f"a page of {Domain.of(self.domain_code).label} has no title", FORMS)

    @classmethod
    def at(cls, value: PageLike) -> Page:
        """Return the page that a value means. Every public function reads its pages with this.

        Args:
            value: A page, or text that `parse` reads.

        Raises:
            UsageError: The value is neither.
        """
        return value if isinstance(value, Page) else cls.parse(value)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `en:Climate`, or the address of an article, `https://de.wikipedia.org/wiki/Klima`.

        Before the first colon stands the domain code: nothing or two quotes for the empty one. After it stands the
        title. A space becomes `_`. Only an address is percent-decoded; bytes that are not UTF-8 become U+FFFD.

        Raises:
            UsageError: The text is neither, has no title, or is an address that does not lead to an article of a known
                host.
        """
        if not is_text(text):
            raise UsageError(f"{shorten(repr(text))} is not a page", FORMS)
        written = _utf8(text.encode("utf-8", "surrogateescape"))
        if address := ADDRESS.fullmatch(written):
            return cls(_code_of_host(address["host"]), _title_of(address).replace(" ", "_"))
        code, colon, title = written.partition(":")
        if not colon or NO_CODE.search(code) or _has_host(title):
            raise UsageError(f"{shorten(redacted(written))!r} is not a page", FORMS)
        if domain := Domain.of_host(code):
            raise UsageError(f"{code} is a host, not a domain code", f"write {domain.label}:{shorten(title)}")
        return cls("" if code == '""' else code, title.replace(" ", "_"))

    def __str__(self) -> str:
        """The page as `en:Climate`. `parse` accepts it."""
        return f"{Domain.of(self.domain_code).label}:{self.title}"


PageLike: TypeAlias = Page | str
"""What `Page.at` reads."""


def _utf8(data: bytes) -> str:
    """Decode bytes as a dump is decoded."""
    return data.decode("utf-8", "replace")


def _has_host(title: str) -> bool:
    """Return whether a title is the rest of an address with another scheme: `htps://en.wikipedia.org/wiki/Climate`."""
    address = ADDRESS.fullmatch(f"https:{title}")
    return address is not None and Domain.of_host(address["host"]) is not None


def _title_of(address: re.Match[str]) -> str:
    """Return the decoded title in an address: below `/wiki/`, or in the query of the script.

    Raises:
        UsageError: The address has none.
    """
    path = address["path"] or ""
    if path == SCRIPT:
        fields = (field.partition("=") for field in (address["query"] or "").split("&"))
        title = next((value.replace("+", " ") for name, _, value in fields if name == "title"), "")
    else:
        title = path.removeprefix(ARTICLE) if path.startswith(ARTICLE) else ""
    if not title:
        place = shorten(f"{address['host']}{path}")
        raise UsageError(
            f"{place} is not the address of an article", f"write it as https://{address['host']}/wiki/Title"
        )
    return _utf8(unquote_to_bytes(title))


def _code_of_host(host: str) -> str:
    """Return the code of a host.

    Raises:
        UsageError: The host is unknown, or shares its code with another one.
    """
    if domain := Domain.of_host(host):
        return domain.code
    prefix, _, rest = host.lower().removesuffix(".").partition(".")
    if prefix in ALSO_A_CHAPTER and rest == "wikimedia.org":
        raise UsageError(
            f"the dumps count {host} and {prefix}.m.wikipedia.org together, as {prefix}.m",
            f"write {prefix}.m:Title for the views of both",
        )
    like = nearest(host.lower(), _similar_hosts(host.lower().removeprefix("www.").partition(".")[0]))
    raise UsageError(f"{shorten(host)!r} is not the host of a known wiki", f"did you mean {like}?" if like else FORMS)


def _similar_hosts(prefix: str) -> list[str]:
    """Return the hosts that a mistyped one with this first part may mean."""
    starts = ["", "en.", f"{prefix}.", *(f"{prefix}.{marker}." for marker in ACCESS)]
    hosts = [f"{start}{project}.org" for start, project in product(starts, SITE_OF_PROJECT)]
    return [host for host in hosts if Domain.of_host(host)]
