"""The page, a value."""

from __future__ import annotations

import pickle

import pytest

from pvtop.core.domain import Domain
from pvtop.core.errors import UsageError
from pvtop.core.page import Page


@pytest.mark.parametrize(
    ("text", "code", "title"),
    [
        ("en:Climate", "en", "Climate"),
        ("en.m:Climate change", "en.m", "Climate_change"),
        ("en:Talk:Climate", "en", "Talk:Climate"),
        ("en::", "en", ":"),
        (":Z6", "", "Z6"),
        ('"":Z6', "", "Z6"),
        ('en:"Heroes"', "en", '"Heroes"'),
        ("en:100%25_A%20B", "en", "100%25_A%20B"),
        ("en:a#b?c+d", "en", "a#b?c+d"),
        ("en:AC/DC", "en", "AC/DC"),
        ("en:https://example.org", "en", "https://example.org"),
        ("en:-", "en", "-"),
        ("en:a\u00a0b\u3000c", "en", "a\u00a0b\u3000c"),
        ("de:Stra\u00dfe", "de", "Stra\u00dfe"),
        ("lt.mw:Title", "lt.mw", "Title"),
        ("de:Stra\udcdfe", "de", "Stra\ufffde"),
    ],
)
def test_code_ends_at_the_first_colon_and_the_title_stays_as_it_is(text: str, code: str, title: str) -> None:
    assert Page.parse(text) == Page(code, title)


@pytest.mark.parametrize(
    ("address", "code", "title"),
    [
        ("https://de.wikipedia.org/wiki/Klima", "de", "Klima"),
        ("http://de.wikipedia.org/wiki/Klima", "de", "Klima"),
        ("HTTPS://DE.Wikipedia.org/wiki/Klima", "de", "Klima"),
        ("https://de.wikipedia.org./wiki/Klima", "de", "Klima"),
        ("https://de.wikipedia.org:443/wiki/Klima", "de", "Klima"),
        ("https://en.m.wikipedia.org/wiki/AC/DC", "en.m", "AC/DC"),
        ("https://en.wikipedia.org/wiki/Talk:Climate", "en", "Talk:Climate"),
        ("https://en.wikipedia.org/wiki/Climate_change#Causes", "en", "Climate_change"),
        ("https://en.wikipedia.org/wiki/Climate?action=history", "en", "Climate"),
        ("https://en.wikipedia.org/wiki/Climate?a#b?c", "en", "Climate"),
        ("https://en.wikipedia.org/wiki/Climate#b?c", "en", "Climate"),
        ("https://en.wikipedia.org/wiki/Who%3F_%23_100%25", "en", "Who?_#_100%"),
        ("https://en.wikipedia.org/wiki/Climate%20change", "en", "Climate_change"),
        ("https://en.wikipedia.org/wiki/Climate change", "en", "Climate_change"),
        ("https://en.wikipedia.org/wiki/C++", "en", "C++"),
        ("https://en.wikipedia.org/wiki/A%2525B", "en", "A%25B"),
        ("https://en.wikipedia.org/wiki/100%_a%zz", "en", "100%_a%zz"),
        ("https://de.wiktionary.org/wiki/Stra%C3%9Fe", "de.d", "Stra\u00dfe"),
        ("https://de.wiktionary.org/wiki/Stra\u00dfe", "de.d", "Stra\u00dfe"),
        ("https://de.wiktionary.org/wiki/\u00df%C3%9F", "de.d", "\u00df\u00df"),
        ("https://de.wiktionary.org/wiki/Stra%DFe", "de.d", "Stra\ufffde"),
        ("https://de.wiktionary.org/wiki/Stra\udcdfe", "de.d", "Stra\ufffde"),
        ("https://zh.wikipedia.org/wiki/%E4%B8", "zh", "\ufffd"),
        ("https://www.wikidata.org/wiki/Q42", "www.wd", "Q42"),
        ("https://wikidata.org/wiki/Q42", "www.wd", "Q42"),
        ("https://m.wikidata.org/wiki/Q42", "m.wd", "Q42"),
        ("https://commons.wikimedia.org/wiki/File:A.jpg", "commons.m", "File:A.jpg"),
        ("https://wikisource.org/wiki/Main_Page", "www.s", "Main_Page"),
        ("https://en.wikipedia.org/w/index.php?title=Climate", "en", "Climate"),
        ("https://en.wikipedia.org/w/index.php?action=view&title=Climate+change%2B&oldid=1#a", "en", "Climate_change+"),
        ("https://en.wikipedia.org/w/index.php?title=A&title=B", "en", "A"),
        ("https://en.wikipedia.org/w/index.php?title=a=b", "en", "a=b"),
    ],
)
def test_address_of_an_article_gives_its_code_and_its_decoded_title(address: str, code: str, title: str) -> None:
    assert Page.parse(address) == Page(code, title)


@pytest.mark.parametrize("code", ["en", "en.m", "de.d", "www.wd", "commons.m", "www.s", "m.w", "zh-yue.zero"])
@pytest.mark.parametrize(
    "title", ["Main_Page", "AC/DC", 'Who?_"100%"_#1&2+3', "a\x1b\\b", "\u6c23\u5019", "A%20B", "//", "."]
)
def test_address_of_a_page_leads_back_to_it(code: str, title: str) -> None:
    address = Domain.of(code).page_address(title)
    assert address is not None
    assert Page.parse(address) == Page(code, title)


@pytest.mark.parametrize("page", [Page("en", "Talk:Climate"), Page("", "Z6"), Page("en.x", "a"), Page("en", '"":a')])
def test_parse_reads_the_str_of_a_page(page: Page) -> None:
    assert Page.parse(str(page)) == page


@pytest.mark.parametrize(
    "text",
    ["", "Climate", "en.wikipedia.org/wiki/Climate", "en.wikipedia.org/wiki/Talk:Climate", "en Climate: a", "en/x:a",
     "//en.wikipedia.org/wiki/Talk:Climate", "ftp://en.wikipedia.org/wiki/Climate", "htps://en.wikipedia.org/wiki/Climate"],
)  # fmt: skip
def test_text_without_a_code_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a page") as caught:
        Page.parse(text)
    assert "en:Climate" in caught.value.hint


@pytest.mark.parametrize("text", ["en:", ":", '"":', ""])
def test_page_without_a_title_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="has no title|is not a page") as caught:
        Page.parse(text)
    assert "en:Climate" in caught.value.hint


def test_host_instead_of_a_code_is_refused_with_the_code() -> None:
    with pytest.raises(UsageError, match="en.m.wikipedia.org is a host, not a domain code") as caught:
        Page.parse("en.m.wikipedia.org:Climate")
    assert caught.value.hint == "write en.m:Climate"


@pytest.mark.parametrize(
    ("address", "like"),
    [
        ("https://en.wikipeda.org/wiki/A", "en.wikipedia.org"),
        ("https://en.wikipedia.com/wiki/A", "en.wikipedia.org"),
        ("https://de.wiktionnary.org/wiki/A", "de.wiktionary.org"),
        ("https://de.m.wikipedi.org/wiki/A", "de.m.wikipedia.org"),
        ("https://common.wikimedia.org/wiki/A", None),
        ("https://www.en.wikipedia.org/wiki/A", "en.wikipedia.org"),
        ("https://www.wikidta.org/wiki/A", "wikidata.org"),
    ],
)
def test_unknown_host_is_refused_with_the_nearest(address: str, like: str | None) -> None:
    with pytest.raises(UsageError, match="is not the host of a known wiki") as caught:
        Page.parse(address)
    if like:
        assert caught.value.hint == f"did you mean {like}?"


@pytest.mark.parametrize(
    "address",
    ["https://example.org/wiki/A", "https:///wiki/A", "https://10.0.0.1/wiki/A", "https://[::1]/wiki/A", "http://"],
)
def test_host_like_no_other_is_refused_with_the_forms_of_a_page(address: str) -> None:
    with pytest.raises(UsageError, match="is not the host of a known wiki") as caught:
        Page.parse(address)
    assert caught.value.hint.startswith("write code:title")


def test_host_of_a_chapter_is_refused_with_the_code_that_it_shares() -> None:
    with pytest.raises(UsageError, match="count nl.wikimedia.org and nl.m.wikipedia.org together, as nl.m") as caught:
        Page.parse("https://nl.wikimedia.org/wiki/A")
    assert caught.value.hint == "write nl.m:Title for the views of both"
    assert Page.parse("https://nl.m.wikimedia.org/wiki/A") == Page("nl.m.m", "A")


@pytest.mark.parametrize(
    "rest", ["", "/", "/wiki/", "/wiki", "/wiki/?title=A", "/wiki/#a", "/w/index.php", "/w/index.php?curid=1",
             "/w/index.php?title=", "/w/index.php?Title=A", "/w/index.php#?title=A", "/zh-cn/A", "?title=A"]
)  # fmt: skip
def test_address_of_no_article_is_refused(rest: str) -> None:
    with pytest.raises(UsageError, match="is not the address of an article") as caught:
        Page.parse(f"https://zh.wikipedia.org{rest}")
    assert caught.value.hint == "write it as https://zh.wikipedia.org/wiki/Title"


def test_message_shows_no_password_of_an_address() -> None:
    for text in ("https://user:verysecret@example.org/wiki/A", "htps://user:verysecret@en.wikipedia.org/wiki/A?x"):
        with pytest.raises(UsageError) as caught:
            Page.parse(text)
        assert "verysecret" not in caught.value.message + caught.value.hint


def test_message_about_a_long_text_is_short() -> None:
    for text in ("x" * 10_000, f"https://{'x' * 10_000}/wiki/A", f"https://en.wikipedia.org/{'x' * 10_000}"):
        with pytest.raises(UsageError) as caught:
            Page.parse(text)
        assert len(caught.value.message) < 500


def test_page_is_a_value() -> None:
    page = Page("en", "Climate")
    assert pickle.loads(pickle.dumps(page)) == page  # noqa: S301 - our own
    assert min(Page("en", "b"), Page("de", "c"), Page("en", "a")) == Page("de", "c")
    assert len({page, Page.parse("en:Climate"), Page("en.m", "Climate")}) == 2
