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


@pytest.mark.parametrize("prefix", WIKIMEDIA.split())
def test_wikimedia_wiki_is_not_a_language_of_other_projects(prefix: str) -> None:
    for site in ("", *(f".{site}" for site in SITES if site != "m")):
        for marker in ("", ".m", ".zero"):
            if (site, marker) != ("", ".m"):
                assert Domain.of(f"{prefix}{marker}{site}").host is None
    assert Domain.of_host(f"{prefix}.wikipedia.org") is None
    assert Domain.of_host(f"{prefix}.m.wikipedia.org") is None


UNKNOWN = """
. .m en. en..m en.x en.b.m.b a.b.c.d en.zero.zero lt.mw
en.wd en.w en.f en.m.wd test.w test.f commons.wd
en.m.m zh-yue.m.m donate.m api.m.m commons commons.d zero.m
www.m.wd www.m.s www.m.m www.zero m.zero zero.zero m.m.m
EN Wikimania e abcd en- -en en--x en_gb en/x e.n/ en:x
"""


@pytest.mark.parametrize("code", ["", "en ", "\r", "en\n", *UNKNOWN.split()])
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
    assert len(hosts) > 900
    assert [codes for codes in hosts.values() if len(codes) > 1] == []


LANGUAGES = """
aa ab ace af ak als am an ang ar arc arz as ast av ay az azb ba bar bat-smg bcl be be-tarask be-x-old bg bh bi bm bn bo
bpy br bs bug bxr ca cbk-zam cdo ce ceb ch cho chr chy ckb co cr crh cs csb cu cv cy da de diq dsb dty dv dz ee el eml
en eo es et eu ext fa ff fi fiu-vro fj fo fr frp frr fur fy ga gag gan gd gl glk gn gom got gu gv ha hak haw he hi hif
ho hr hsb ht hu hy hz ia id ie ig ii ik ilo inh io is it iu ja jam jbo jv ka kaa kab kbd kbp kg ki kj kk kl km kn ko koi
kr krc ks ksh ku kv kw ky la lad lb lbe lez lg li lij lmo ln lo lrc lt ltg lv mai map-bms mdf mg mh mhr mi min mk ml mn
mo mr mrj ms mt mus mwl my myv mzn na nah nap nds nds-nl ne new ng nl nn no nov nrm nso nv ny oc olo om or os pa pag pam
pap pcd pdc pfl pi pih pl pms pnb pnt ps pt qu rm rmy rn ro roa-rup roa-tara ru rue rw sa sah sc scn sco sd se sg sh si
simple sk sl sm sn so sq sr srn ss st stq su sv sw szl ta tcy te tet tg th ti tk tl tn to tpi tr ts tt tum tw ty tyv
udm ug uk ur uz ve vec vep vi vls vo wa war wo wuu xal xh xmf yi yo za zea zh zh-classical zh-min-nan zh-yue zu
""".split()
PROJECTS = {
    "wikipedia": "",
    "wikibooks": ".b",
    "wiktionary": ".d",
    "wikinews": ".n",
    "wikiquote": ".q",
    "wikisource": ".s",
    "wikiversity": ".v",
    "wikivoyage": ".voy",
}
MARKERS = {"desktop": "", "mobile": ".m", "zero": ".zero"}


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("access", MARKERS)
def test_every_language_of_a_project_leads_from_its_code_to_its_host_and_back(project: str, access: str) -> None:
    for language in LANGUAGES:
        code = f"{language}{MARKERS[access]}{PROJECTS[project]}"
        host = f"{language}{MARKERS[access]}.{project}.org"
        domain = Domain.of(code)
        assert (domain.project, domain.host, domain.access) == (project, host, access)
        assert (domain.language, domain.desktop_code) == (language, f"{language}{PROJECTS[project]}")
        assert Domain.of_host(host) == domain


@pytest.mark.parametrize("prefix", [*AMBIGUOUS.split(), *WIKIMEDIA.split()])
@pytest.mark.parametrize("access", ["desktop", "mobile"])
def test_every_wikimedia_wiki_leads_from_its_code_to_its_host_and_back(prefix: str, access: str) -> None:
    code = f"{prefix}{MARKERS[access]}.m"
    if code in {f"{chapter}.m" for chapter in AMBIGUOUS.split()}:
        assert Domain.of_host(f"{prefix}.wikimedia.org") is None
        return
    domain = Domain.of(code)
    assert (domain.host, domain.access) == (f"{prefix}{MARKERS[access]}.wikimedia.org", access)
    assert (domain.language, domain.desktop_code) == (None, f"{prefix}.m")
    assert Domain.of_host(f"{prefix}{MARKERS[access]}.wikimedia.org") == domain


@pytest.mark.parametrize("row", TABLE.split("\n")[1:-1])
def test_host_of_the_table_leads_back_to_its_code(row: str) -> None:
    code, _, host, _ = row.split()
    assert Domain.of_host(host) == Domain.of(code)


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("EN.Wikipedia.ORG", "en"),
        ("en.wikipedia.org.", "en"),
        ("wikidata.org", "www.wd"),
        ("WWW.wikidata.org.", "www.wd"),
        ("mediawiki.org", "www.w"),
        ("www.wikisource.org", "www.s"),
        ("wikisource.org", "www.s"),
        ("www.wikimediafoundation.org", "www.f"),
        ("wikipedia.org", "www"),
        ("wikimedia.org", "www.m"),
        ("foundation.wikimedia.org", "foundation.m"),
        ("beta.wikiversity.org", "beta.v"),
    ],
)
def test_host_is_found_in_any_case_and_with_or_without_www(host: str, code: str) -> None:
    assert Domain.of_host(host) == Domain.of(code)


@pytest.mark.parametrize(
    "host",
    ["", ".", "org", "example.org", "en", "en.m", "www.wd", "en.wikipedia", "en.wikipedia.com", "en.wikipedia.org..",
     "en.wikidata.org", "commons.wikipedia.org", "api.wikimedia.org", "nl.wikimedia.org", "en.m.m.wikipedia.org",
     "www.en.wikipedia.org", "www.m.wikidata.org", "m.m.wikipedia.org", "www.meta.wikimedia.org", "a.b.wikimedia.org",
     "en.wikipedia.org/wiki", "en.wikipedia.org:443", "en.wikipedia.org.example.org", " en.wikipedia.org",
     "en.wikipedia.org\n"],
)  # fmt: skip
def test_other_hosts_have_no_domain(host: str) -> None:
    assert Domain.of_host(host) is None


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("en", "en"), ("zh-yue.m.d", "zh-yue"), ("simple", "simple"), ("nl.m", "nl"), ("en.zero", "en"),
        ("commons.m", None), ("m.wd", None), ("test.wd", None), ("www.w", None), ("m", None), ("www.s", None),
        ("pl.m.m", None), ("ua.m", None), ("test", None), ("test2.m", None), ("beta.v", None), ("", None),
        ("en.x", None),
    ],
)  # fmt: skip
def test_language_is_that_of_a_wiki_in_one_language(code: str, language: str | None) -> None:
    assert Domain.of(code).language == language


@pytest.mark.parametrize(
    ("code", "desktop"),
    [
        ("en.m", "en"), ("en.zero", "en"), ("en.m.d", "en.d"), ("en.zero.d", "en.d"), ("m.wd", "www.wd"),
        ("m.s", "www.s"), ("m", "www"), ("m.m", "www.m"), ("m.w", "www.w"), ("m.f", "www.f"),
        ("commons.m.m", "commons.m"), ("nl.m", "nl"), ("nl.m.m", "nl.m"), ("test.m.wd", "test.wd"), ("test.m", "test"),
        ("zh-yue.m", "zh-yue"), ("simple.zero", "simple"), ("", None), ("en.x", None), ("Wikimania", None),
    ],
)  # fmt: skip
def test_desktop_code_is_that_of_the_same_wiki(code: str, desktop: str | None) -> None:
    assert Domain.of(code).desktop_code == desktop


def test_desktop_code_of_a_desktop_code_is_itself() -> None:
    codes = [code for code in sample_codes() | KNOWN_CODES if Domain.of(code).access == "desktop"]
    assert [code for code in codes if Domain.of(code).desktop_code != code] == []


def test_desktop_code_stands_for_the_host_without_its_marker() -> None:
    for code in sample_codes() | KNOWN_CODES:
        domain = Domain.of(code)
        if domain.desktop_code and domain.host:
            desktop = Domain.of(domain.desktop_code)
            bare = domain.host.replace(".m.", ".").replace(".zero.", ".").removeprefix("m.").removeprefix("zero.")
            if desktop.ambiguous:  # the mobile wiki of a chapter
                assert code in {desktop.code.replace(".m", f".{marker}.m") for marker in ("m", "zero")}
            else:
                assert (desktop.host or "").removeprefix("www.") == bare.removeprefix("www.")
                assert (desktop.access, desktop.project) == ("desktop", domain.project)


def test_host_of_every_code_leads_back_to_it() -> None:
    for code in sample_codes() | KNOWN_CODES:
        domain = Domain.of(code)
        assert domain.host is None or Domain.of_host(domain.host) == domain


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


def test_codes_of_a_wiki_are_those_with_its_desktop_code() -> None:
    alike: dict[str, set[str]] = {}
    for code in sample_codes() | KNOWN_CODES:
        alike.setdefault(Domain.of(code).desktop_code or code, set()).add(code)
    for desktop, codes in alike.items():
        for code in codes:
            found = Domain.of(code).codes
            assert codes <= set(found)
            assert {Domain.of(one).desktop_code or one for one in found} == {desktop}


@pytest.mark.parametrize(
    ("code", "codes"),
    [
        ("en.m", ["en", "en.m", "en.zero"]),
        ("m.wd", ["www.wd", "m.wd", "zero.wd"]),
        ("nl.m", ["nl", "nl.m", "nl.zero"]),
        ("nl.m.m", ["nl.m.m", "nl.zero.m"]),
        ("commons.m", ["commons.m", "commons.m.m", "commons.zero.m"]),
        ("m", ["www", "m", "zero"]),
        ("", [""]),
        ("no such code", ["no such code"]),
    ],
)
def test_codes_of_a_wiki_start_with_desktop(code: str, codes: list[str]) -> None:
    assert Domain.of(code).codes == codes


@pytest.mark.parametrize(
    ("code", "merged", "is_mobile"),
    [
        ("en", "en", False),
        ("en.m", "en", True),
        ("en.zero", "en", True),
        ("m.wd", "www.wd", True),
        ("nl.m", "nl", True),
        ("nl.m.m", "nl.m", True),
        ("commons.m.m", "commons.m", True),
        ("commons.m", "commons.m", False),
        ("", "", None),
        ("such.code", "such.code", None),
    ],
)
def test_merged_code_is_the_desktop_code_and_an_unknown_code_is_alone(
    code: str, merged: str, is_mobile: bool | None
) -> None:
    domain = Domain.of(code)
    assert (domain.merged_code, domain.is_mobile) == (merged, is_mobile)
