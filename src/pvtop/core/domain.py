"""Translate a domain code into project, host and access.

The rules come from Wikimedia's definition of the pageview dumps (`domain_code` is the abbreviated host name). The
prefixes that exist both as a Wikipedia and under wikimedia.org come from Wikimedia's list of wikis.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

SITES = {
    "b": "wikibooks",
    "d": "wiktionary",
    "f": "wikimediafoundation",
    "m": "wikimedia",
    "n": "wikinews",
    "q": "wikiquote",
    "s": "wikisource",
    "v": "wikiversity",
    "voy": "wikivoyage",
    "w": "mediawiki",
    "wd": "wikidata",
}
WIKIMEDIA_ONLY = frozenset(
    "advisory ae bd cn commons dk ec fdc fixcopyright foundation ge gr il in-tech incubator meta mx noc nyc nz "
    "outreach pk rs slo species strategy ua usability wb wikimania wikitech quality".split()
)
ALSO_A_CHAPTER = frozenset("am ar az be br ca co ee fi hi id mai mk ng nl no pl pt ru se th tr uz ve za".split())
SHARED_CODES = frozenset(["", *(f"{prefix}.m" for prefix in ALSO_A_CHAPTER | {"commons", "incubator", "outreach"})])
"""Codes under which a dump may list more than one wiki. `nl.m` is the mobile Wikipedia or the wiki of a chapter,
`commons.m` is just as ambiguous, and all projects without their own code share the empty code."""
WITHOUT_WWW = frozenset(["wikisource", "wikimediafoundation"])
ACCESS = {"m": "mobile", "zero": "zero"}
UNENCODED = "/:;@$!*(),~"  # characters that MediaWiki leaves as they are in the address of a page


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain code and its meaning.

    Attributes:
        code: The code as in the dump, `en.m`; the empty string for projects without their own code.
        project: `wikipedia`, `wikibooks`, ...; `other` if the code is empty or unknown.
        host: The host name, `en.m.wikipedia.org`; None if `project` is `other`.
        access: `desktop`, `mobile` (includes the apps) or `zero` (Wikipedia Zero, until May 2019). None if
            `host` is None.
        ambiguous: Whether the code may also mean the wiki of a chapter, below wikimedia.org.
    """

    code: str
    project: str
    host: str | None
    access: str | None
    ambiguous: bool = False

    @property
    def label(self) -> str:
        """The code to show. The empty code is shown as two quotes."""
        return self.code or '""'

    @property
    def heading(self) -> str:
        """Code, host (or project) and access in one line: `en.m  en.m.wikipedia.org  mobile`."""
        return "  ".join(filter(None, [self.label, self.host or self.project, self.access]))

    def page_address(self, title: str) -> str | None:
        """Return the web address of a page, None if the host is unknown."""
        return f"https://{self.host}/wiki/{quote(title, safe=UNENCODED)}" if self.host else None

    @property
    def names(self) -> list[str]:
        """The names that mean this domain: its code and its host, also with and without `www.` if that is the wiki."""
        if self.host is None:
            return [self.code]
        bare = self.host.removeprefix("www.")
        return [self.code, *([bare, f"www.{bare}"] if self.code.split(".")[0] == "www" else [self.host])]

    @classmethod
    def of(cls, code: str) -> Domain:
        """Parse a domain code: `[wiki.][m.|zero.][site]`.

        In `en.m`, `m` means mobile. In `commons.m`, it means wikimedia.org.
        """
        parts = code.split(".")
        site = SITES[parts.pop()] if _names_site(parts) else "wikipedia"
        marker = parts.pop() if parts and parts[-1] in ACCESS else None
        if len(parts) > 1 or "" in parts:
            return cls(code, "other", None, None)
        wiki = "" if parts == ["www"] and site in WITHOUT_WWW else "".join(parts)
        host = ".".join(filter(None, [wiki, marker, site, "org"]))
        ambiguous = marker == "m" and site == "wikipedia" and wiki in ALSO_A_CHAPTER
        return cls(code, site, host, ACCESS.get(marker or "", "desktop"), ambiguous)


def _names_site(parts: list[str]) -> bool:
    """Return whether the last part of a code names a site. If not, the code belongs to a Wikipedia."""
    match parts:
        case [wiki, "m"]:
            return wiki in WIKIMEDIA_ONLY or wiki in {"www", "m"}
        case [_, *_, site]:
            return site in SITES
        case _:
            return False
