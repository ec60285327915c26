"""Which domains --domain means."""

from __future__ import annotations

import pytest

from pvtop.cli.selection import chosen_domains
from pvtop.core.domain import Domain
from pvtop.core.errors import UsageError
from support.reports import make_report

CODES = ["", "Wikimania", "de", "de.m", "en", "en.d", "en.m", "other.code.x", "wikimania", "www.wd"]
REPORT = make_report(totals=[(code, 1, 1, 0, 0) for code in CODES])


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        (["en"], ["en"]),
        (["EN"], ["en"]),
        (["en", "de"], ["en", "de"]),
        (["en,de", "en"], ["en", "de"]),
        (["en, de"], ["en", "de"]),
        (["en.m.wikipedia.org"], ["en.m"]),
        (["EN.Wikipedia.org"], ["en"]),
        (["wikidata.org"], ["www.wd"]),
        (["www.wikidata.org"], ["www.wd"]),
        (["*.m"], ["de.m", "en.m"]),
        (["en*"], ["en", "en.d", "en.m"]),
        (["*.wiktionary.org"], ["en.d"]),
        (["d?"], ["de"]),
        (["[ed][ne].M"], ["de.m", "en.m"]),
        (['""'], [""]),
        (["en,"], ["en"]),
        (["en", '""'], ["en", ""]),
        (["Wikimania"], ["Wikimania"]),
        (["wikimania"], ["wikimania"]),
        (["WIKIMANIA"], ["Wikimania", "wikimania"]),
    ],
)
def test_names_are_codes_hosts_and_patterns_in_any_case(names: list[str], codes: list[str]) -> None:
    assert chosen_domains(names, REPORT) == codes


def test_every_code_is_found_by_its_names() -> None:
    for code in CODES:
        assert all(code in chosen_domains([name.upper() or '""'], REPORT) for name in Domain.of(code).names)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("en.wikipeda.org", "similar domains are 'en.wikipedia.org', "),
        ("de.n", "similar domains are 'de.m'"),
        ("xx", "it has, for example, "),
        ("*.zero", "it has, for example, "),
        ("nl.wikimedia.org", "similar domains are "),
    ],
)
def test_name_without_a_domain_is_refused_with_similar_ones(name: str, advice: str) -> None:
    with pytest.raises(UsageError, match=r"has no domain") as caught:
        chosen_domains(["en", name], REPORT)
    assert repr(name) in str(caught.value)
    assert caught.value.hint.startswith(advice), caught.value.hint


@pytest.mark.parametrize("name", ["", ",", " , "])
def test_domain_without_a_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--domain names no domain"):
        chosen_domains([name], REPORT)
