"""Domain codes, as Wikimedia's definition of the dumps has them."""

from __future__ import annotations

import gzip

import pytest

from pvtop.core.domain import SHARED_CODES, SITES, Domain
from support.samples import SOURCE

TABLE = """
en          wikipedia            en.wikipedia.org                desktop
en.m        wikipedia            en.m.wikipedia.org              mobile
en.b        wikibooks            en.wikibooks.org                desktop
en.m.b      wikibooks            en.m.wikibooks.org              mobile
en.d        wiktionary           en.wiktionary.org               desktop
en.m.d      wiktionary           en.m.wiktionary.org             mobile
en.n        wikinews             en.wikinews.org                 desktop
en.m.n      wikinews             en.m.wikinews.org               mobile
en.q        wikiquote            en.wikiquote.org                desktop
en.m.q      wikiquote            en.m.wikiquote.org              mobile
en.s        wikisource           en.wikisource.org               desktop
en.m.s      wikisource           en.m.wikisource.org             mobile
www.s       wikisource           wikisource.org                  desktop
m.s         wikisource           m.wikisource.org                mobile
en.v        wikiversity          en.wikiversity.org              desktop
en.m.v      wikiversity          en.m.wikiversity.org            mobile
en.voy      wikivoyage           en.wikivoyage.org               desktop
en.m.voy    wikivoyage           en.m.wikivoyage.org             mobile
commons.m   wikimedia            commons.wikimedia.org           desktop
commons.m.m wikimedia            commons.m.wikimedia.org         mobile
www.w       mediawiki            www.mediawiki.org               desktop
m.w         mediawiki            m.mediawiki.org                 mobile
www.wd      wikidata             www.wikidata.org                desktop
m.wd        wikidata             m.wikidata.org                  mobile
test.wd     wikidata             test.wikidata.org               desktop
test.m.wd   wikidata             test.m.wikidata.org             mobile
www.f       wikimediafoundation  wikimediafoundation.org         desktop
m.f         wikimediafoundation  m.wikimediafoundation.org       mobile
www         wikipedia            www.wikipedia.org               desktop
m           wikipedia            m.wikipedia.org                 mobile
www.m       wikimedia            www.wikimedia.org               desktop
m.m         wikimedia            m.wikimedia.org                 mobile
zh-min-nan  wikipedia            zh-min-nan.wikipedia.org        desktop
en.zero     wikipedia            en.zero.wikipedia.org           zero
en.zero.d   wiktionary           en.zero.wiktionary.org          zero
simple.zero wikipedia            simple.zero.wikipedia.org       zero
"""
AMBIGUOUS = "am ar az be br ca co ee fi hi id mai mk ng nl no pl pt ru se th tr uz ve za"
WIKIMEDIA = (
    "advisory ae bd cn commons dk ec fdc fixcopyright foundation ge gr il in-tech incubator meta mx noc nyc nz "
    "outreach pk rs slo species strategy ua usability wb wikimania wikitech quality"
)


@pytest.mark.parametrize("row", TABLE.split("\n")[1:-1])
def test_domain_of_a_code(row: str) -> None:
    code, project, host, access = row.split()
    assert Domain.of(code) == Domain(code, project, host, access)


@pytest.mark.parametrize("prefix", AMBIGUOUS.split())
def test_mobile_code_of_a_wikipedia_and_a_chapter_is_ambiguous(prefix: str) -> None:
    wanted = Domain(f"{prefix}.m", "wikipedia", f"{prefix}.m.wikipedia.org", "mobile", ambiguous=True)
    assert Domain.of(f"{prefix}.m") == wanted


def test_shared_codes_belong_to_several_wikis() -> None:
    prefixes = [*AMBIGUOUS.split(), "commons", "incubator", "outreach"]
    assert {"", *(f"{prefix}.m" for prefix in prefixes)} == SHARED_CODES


@pytest.mark.parametrize("code", ["nl", "nl.zero", "nl.d", "nl.m.d", "nl.m.m", "de.m", "commons.m", "m", "www.m"])
def test_other_codes_are_not_shared(code: str) -> None:
    assert not Domain.of(code).ambiguous


@pytest.mark.parametrize("prefix", WIKIMEDIA.split())
def test_code_of_a_wikimedia_wiki_is_never_a_mobile_wikipedia(prefix: str) -> None:
    assert Domain.of(f"{prefix}.m") == Domain(f"{prefix}.m", "wikimedia", f"{prefix}.wikimedia.org", "desktop")
    assert Domain.of(f"{prefix}.m.m") == Domain(f"{prefix}.m.m", "wikimedia", f"{prefix}.m.wikimedia.org", "mobile")


@pytest.mark.parametrize("code", ["", ".", ".m", "en.", "en..m", "en.x", "en.b.m.b", "a.b.c.d", "en.zero.zero"])
def test_unknown_code_belongs_to_no_project(code: str) -> None:
    assert Domain.of(code) == Domain(code, "other", None, None)


PREFIXES = ["en", "zh-min-nan", "simple", "be-x-old", "test", *AMBIGUOUS.split(), *WIKIMEDIA.split()]
KNOWN_CODES = {
    *(f"{prefix}{marker}{site}" for prefix in PREFIXES for marker in ("", ".m", ".zero")
      for site in ("", *(f".{site}" for site in SITES))),
    *(f"{prefix}.{site}" for prefix in ("www", "m") for site in SITES),
    "www", "m",
}  # fmt: skip


def sample_codes() -> set[str]:
    """Return the codes of every dump of the sample."""
    dumps = [gzip.decompress(path.read_bytes()) for path in SOURCE.rglob("pageviews-*.gz")]
    return {line.split(b" ")[0].decode() for dump in dumps for line in dump.splitlines()}


def test_host_of_a_code_leads_back_to_the_code_alone() -> None:
    codes = {decoded for code in sample_codes() | KNOWN_CODES if (decoded := code.strip('"'))}
    hosts: dict[str, set[str]] = {}
    for code in codes:
        if host := Domain.of(code).host:
            hosts.setdefault(host, set()).add(code)
    assert len(codes) > 1_000
    assert [codes for codes in hosts.values() if len(codes) > 1] == []


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("en.m", ["en.m", "en.m.wikipedia.org"]),
        ("www.wd", ["www.wd", "wikidata.org", "www.wikidata.org"]),
        ("www.s", ["www.s", "wikisource.org", "www.wikisource.org"]),
        ("", [""]),
        ("en.x", ["en.x"]),
    ],
)
def test_names_of_a_domain_are_its_code_and_its_host(code: str, names: list[str]) -> None:
    assert Domain.of(code).names == names


@pytest.mark.parametrize(
    ("code", "title", "address"),
    [
        ("en", "Main_Page", "https://en.wikipedia.org/wiki/Main_Page"),
        ("en.m", "AC/DC", "https://en.m.wikipedia.org/wiki/AC/DC"),
        ("de.d", "Straße", "https://de.wiktionary.org/wiki/Stra%C3%9Fe"),
        ("en", 'Who?_"100%"_#1&2+3', "https://en.wikipedia.org/wiki/Who%3F_%22100%25%22_%231%262%2B3"),
        ("en", "Special:Search", "https://en.wikipedia.org/wiki/Special:Search"),
        ("en", "a\x1b\\b c", "https://en.wikipedia.org/wiki/a%1B%5Cb%20c"),
    ],
)
def test_page_address_is_percent_encoded_as_mediawiki_does(code: str, title: str, address: str) -> None:
    assert Domain.of(code).page_address(title) == address


def test_page_of_an_unknown_host_has_no_address() -> None:
    assert Domain.of("").page_address("Main_Page") is None


def test_empty_code_is_shown_as_two_quotes() -> None:
    assert [Domain.of("").label, Domain.of("en.m").label] == ['""', "en.m"]
