"""Translate a domain code into project, host and access.

The rules come from Wikimedia's definition of the pageview dumps (`domain_code` is the abbreviated host name). The
prefixes that exist both as a Wikipedia and under wikimedia.org come from Wikimedia's list of wikis.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from pvtop.core.arguments import check_type

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
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]+)*|simple", re.ASCII)
"""The prefix of a language, as in `en`, `zh-yue` and `simple`."""
NO_LANGUAGE = frozenset(["beta", "nostalgia", "ten", "test", "test2"])
"""Prefixes of wikis that are not in one language, such as `beta.wikiversity.org`."""
WIKIS = {
    "wikimedia": WIKIMEDIA_ONLY | ALSO_A_CHAPTER,
    "wikidata": frozenset(["test"]),
    "mediawiki": frozenset[str](),
    "wikimediafoundation": frozenset[str](),
}
"""The wikis of each project that has none for languages, without the one at `www` or at the bare name."""
WITHOUT_WWW = frozenset(["wikisource", "wikimediafoundation"])
ACCESS = {"m": "mobile", "zero": "zero"}
SITE_OF_PROJECT = {"wikipedia": "", **{project: site for site, project in SITES.items()}}
HOST = re.compile(r"(?:(?P<wiki>[a-z0-9-]+)\.)??(?:(?P<marker>m|zero)\.)?(?P<project>[a-z]+)\.org", re.ASCII)
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

    @property
    def language(self) -> str | None:
        """The language of the wiki, `en` or `zh-yue`, as its host has it.

        None for wikis that are not in one language (commons, wikidata, test wikis), for portals and chapters, and for
        empty and unknown codes.
        """
        wiki = _wiki(self.code)
        return wiki.prefix if wiki and wiki.project not in WIKIS and LANGUAGE.fullmatch(wiki.prefix) else None

    @property
    def desktop_code(self) -> str | None:
        """The code of the same wiki on desktop: `en` of `en.m`, `www.wd` of `m.wd`. None if the code is unknown.

        That of an ambiguous code is the Wikipedia's: `nl` of `nl.m`.
        """
        wiki = _wiki(self.code)
        return _code(wiki.prefix or "www", "", wiki.project) if wiki else None

    @property
    def merged_code(self) -> str:
        """The code that desktop, mobile and zero have together: the desktop code, or itself if it is unknown."""
        return self.code if self.desktop_code is None else self.desktop_code

    @property
    def is_mobile(self) -> bool | None:
        """Whether its views are mobile ones: mobile or zero. None if the code is unknown."""
        return None if self.desktop_code is None else self.access in {"mobile", "zero"}

    @property
    def codes(self) -> list[str]:
        """The codes with the same `desktop_code`, whether or not they occur: those of desktop, mobile and zero.

        An unknown code is alone. If the desktop code of a chapter is taken, as `nl.m` of `nl.m.m`, it is not one of
        them.
        """
        wiki = _wiki(self.code)
        if wiki is None:
            return [self.code]
        codes = [_code(wiki.prefix or "www", "", wiki.project)]
        codes += [_code(wiki.prefix, marker, wiki.project) for marker in ACCESS]
        return [code for code in codes if Domain.of(code).desktop_code == self.desktop_code]

    @classmethod
    def of(cls, code: str) -> Domain:
        """Parse a domain code: `[wiki.][m.|zero.][site]`.

        In `en.m`, `m` means mobile. In `commons.m`, it means wikimedia.org. A code is unknown if its project has no
        such wiki. A language is recognised by its form, because new ones are added. The prefixes of wikis that
        are only below wikimedia.org, such as `mx`, are not languages.

        Raises:
            UsageError: The code is not text.
        """
        _check_text(code)
        wiki = _wiki(code)
        if wiki is None:
            return cls(code, "other", None, None)
        www = "" if wiki.marker or wiki.prefix or wiki.project in WITHOUT_WWW else "www"
        host = ".".join(filter(None, [www, wiki.prefix, wiki.marker, wiki.project, "org"]))
        ambiguous = wiki.marker == "m" and wiki.project == "wikipedia" and wiki.prefix in ALSO_A_CHAPTER
        return cls(code, wiki.project, host, ACCESS.get(wiki.marker, "desktop"), ambiguous)

    @classmethod
    def of_host(cls, host: str) -> Domain | None:
        """Return the domain with this host, None if there is none.

        Case and a dot at the end are ignored, and so is `www.` if that is the wiki. None for the host of a chapter,
        such as nl.wikimedia.org, whose code `nl.m` stands for the mobile Wikipedia.

        Raises:
            UsageError: The host is not text.
        """
        _check_text(host)
        name = host.lower().removesuffix(".")
        match = HOST.fullmatch(name)
        if match is None or match["project"] not in SITE_OF_PROJECT:
            return None
        marker = match["marker"] or ""
        domain = cls.of(_code(match["wiki"] or ("" if marker else "www"), marker, match["project"]))
        return domain if name in domain.names else None


def _check_text(value: object) -> None:
    check_type(value, str, "pass text such as en.m, or en.m.wikipedia.org for of_host")


class _Wiki(NamedTuple):
    """What a known code consists of: the prefix is empty for a portal, the marker for desktop."""

    prefix: str
    marker: str
    project: str


def _wiki(code: str) -> _Wiki | None:
    """Return what a code consists of, None if the code is empty or unknown."""
    parts = code.split(".")
    project = SITES[parts.pop()] if _names_site(parts) else "wikipedia"
    marker = parts.pop() if parts[-1] in ACCESS else ""
    match parts:
        case []:
            return _Wiki("", marker, project)
        case ["www"]:
            return None if marker else _Wiki("", marker, project)
        case [prefix] if _has_wiki(project, prefix):
            return _Wiki(prefix, marker, project)
        case _:
            return None


def _has_wiki(project: str, prefix: str) -> bool:
    """Return whether a project may have a wiki with this prefix."""
    if project in WIKIS:
        return prefix in WIKIS[project]
    if prefix in WIKIMEDIA_ONLY:  # some, such as `mx` and `noc`, have the form of a language
        return False
    return prefix in NO_LANGUAGE or LANGUAGE.fullmatch(prefix) is not None


def _code(prefix: str, marker: str, project: str) -> str:
    """Return the code of a wiki."""
    return ".".join(filter(None, [prefix, marker, SITE_OF_PROJECT[project]]))


def _names_site(parts: list[str]) -> bool:
    """Return whether the last part of a code names a site. If not, the code belongs to a Wikipedia."""
    match parts:
        case [wiki, "m"]:
            return wiki in WIKIMEDIA_ONLY or wiki in {"www", "m"}
        case [_, *_, site]:
            return site in SITES
        case _:
            return False
