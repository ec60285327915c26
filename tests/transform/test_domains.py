"""What domain codes mean, as columns of a frame."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pvtop
from pvtop.core.domain import Domain
from pvtop.core.errors import UsageError
from pvtop.transform.domains import with_domains
from support.samples import SOURCE

ADDED: dict[str, pl.DataType] = {
    "project": pl.String(),
    "language": pl.String(),
    "host": pl.String(),
    "access": pl.String(),
    "address": pl.String(),
    "ambiguous": pl.Boolean(),
}
PAGES = pl.DataFrame(
    {
        "domain_code": ["en.m", "nl.m", "", "en.m", "www.wd", "lt.mw", None, "en.zero.d"],
        "page_title": ["AC/DC", "Klimaat", "Z6", 'Who?_"100%"', "Q42", "A", "B", None],
        "views": [5, 4, 3, 2, 1, 1, 1, 1],
    }
)


def test_columns_say_what_a_code_means() -> None:
    added = with_domains(PAGES).select(list(ADDED)).rows()
    assert added == [
        ("wikipedia", "en", "en.m.wikipedia.org", "mobile", "https://en.m.wikipedia.org/wiki/AC/DC", False),
        ("wikipedia", "nl", "nl.m.wikipedia.org", "mobile", "https://nl.m.wikipedia.org/wiki/Klimaat", True),
        ("other", None, None, None, None, False),
        ("wikipedia", "en", "en.m.wikipedia.org", "mobile",
         "https://en.m.wikipedia.org/wiki/Who%3F_%22100%25%22", False),
        ("wikidata", None, "www.wikidata.org", "desktop", "https://www.wikidata.org/wiki/Q42", False),
        ("other", None, None, None, None, False),
        (None, None, None, None, None, None),
        ("wiktionary", "en", "en.zero.wiktionary.org", "zero", None, False),
    ]  # fmt: skip


def test_rows_columns_and_their_order_stay() -> None:
    found = with_domains(PAGES)
    assert found.schema == pl.Schema({**PAGES.schema, **ADDED})
    assert found.select(PAGES.columns).equals(PAGES)


def test_lazy_frame_stays_lazy_and_gives_the_same() -> None:
    lazy = with_domains(PAGES.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect_schema() == with_domains(PAGES).schema
    assert lazy.collect().equals(with_domains(PAGES))
    assert lazy.collect(engine="streaming").equals(with_domains(PAGES))


def test_frame_without_titles_has_no_addresses() -> None:
    found = with_domains(PAGES.select("domain_code", "views"))
    assert found.schema == pl.Schema({"domain_code": pl.String(), "views": pl.Int64(), **ADDED})
    assert found.get_column("address").null_count() == len(PAGES)
    assert found.drop("address").equals(with_domains(PAGES).drop("address", "page_title"))


def test_columns_that_are_there_are_replaced() -> None:
    once = with_domains(PAGES)
    assert with_domains(once).equals(once)
    assert with_domains(PAGES.with_columns(host=pl.lit(7))).get_column("host").equals(once.get_column("host"))


@pytest.mark.parametrize("schema", [{}, {"page_title": pl.String()}])
def test_empty_frame_gets_the_columns(schema: dict[str, pl.DataType]) -> None:
    empty = pl.DataFrame(schema={"domain_code": pl.String(), **schema})
    assert with_domains(empty).schema == pl.Schema({**empty.schema, **ADDED})
    assert with_domains(empty.lazy()).collect().schema == pl.Schema({**empty.schema, **ADDED})


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum(["de", "en.m"])])
def test_codes_may_be_categories(dtype: pl.DataType) -> None:
    codes = pl.DataFrame({"domain_code": pl.Series(["en.m", "de", None], dtype=dtype)})
    assert with_domains(codes).get_column("host").to_list() == ["en.m.wikipedia.org", "de.wikipedia.org", None]


def test_frame_without_codes_is_refused() -> None:
    with pytest.raises(UsageError, match="the frame has no column domain_code") as caught:
        with_domains(PAGES.rename({"domain_code": "code"}))
    assert caught.value.hint == "its columns are code, page_title, views"


def test_every_page_of_a_dump_has_the_meaning_of_its_domain() -> None:
    dump = pvtop.scan_dump(SOURCE / "2024/2024-12/pageviews-20241231-140000.gz")
    rows = with_domains(dump).collect()
    assert len(rows) > 1_000
    for code, title, *meaning in rows.select("domain_code", "page_title", *ADDED).iter_rows():
        domain = Domain.of(code)
        assert meaning == [
            domain.project, domain.language, domain.host, domain.access, domain.page_address(title), domain.ambiguous
        ]  # fmt: skip


@given(st.lists(st.text(max_size=8), max_size=8))
def test_address_is_that_of_the_domain_for_any_title(titles: list[str]) -> None:
    titles = [*titles, "".join(map(chr, range(256))), "%41%zz\u6c23\U0001f600"]
    found = with_domains(pl.DataFrame({"domain_code": ["de.d"] * len(titles), "page_title": titles}))
    assert found.get_column("address").to_list() == [Domain.of("de.d").page_address(title) for title in titles]
