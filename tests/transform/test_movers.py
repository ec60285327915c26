"""Movers and spikes: the parts that need no file."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvtop.transform import movers
from pvtop.transform.movers import CandidateFilter, MoverRules, best, may_have_views

SCHEMA = {"domain_code": pl.String, "page_title": pl.String, "views": pl.Int64, "number": pl.UInt8}


def found(rows: list[tuple[str, str, int, int]], rules: MoverRules) -> list[dict[str, object]]:
    """Return the movers among rows of a desktop site: code, title, views, number of the day."""
    frame = pl.DataFrame(rows, SCHEMA, orient="row").with_columns(is_mobile=pl.lit(value=False))
    return rules.find(frame).to_dicts()


@given(st.lists(st.tuples(st.sampled_from(["en", "de"]), st.text(max_size=3)), max_size=30))
def test_candidate_filter_passes_every_candidate(pages: list[tuple[str, str]]) -> None:
    tested = CandidateFilter()
    for code, title in pages:
        tested.add(code, pl.Series([title]))
    assert all(tested.passes(code, pl.Series([title])).all() for code, title in pages)


def test_candidate_filter_stops_most_other_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movers, "HELD_POSITIONS", 100)
    tested = CandidateFilter()
    titles = pl.Series([f"Title {number}" for number in range(1_000)])
    for start in range(0, 1_000, 90):
        tested.add("en", titles.slice(start, 90))
    assert tested.passes("en", titles).all()
    assert tested.passes("de", titles).sum() < 10


@given(st.integers(1, 10**6), st.lists(st.integers(0, 10**6), min_size=1, max_size=3))
def test_page_with_enough_views_has_a_row_that_may_have_them(least: int, rows: list[int]) -> None:
    if sum(rows) >= least:
        assert may_have_views(pl.Series(rows), least, len(rows)).any()


def test_score_is_the_one_in_the_docs() -> None:
    (page,) = found([("en", "A", 700, 0), ("en", "A", 1_000, 1)], MoverRules(24, (168,), 500, 2))
    assert (page["earlier_mean"], page["ratio"]) == (100, 10)
    assert page["score"] == pytest.approx(2_042.346)


def test_score_needs_no_earlier_views() -> None:
    (page,) = found([("en", "A", 500, 1)], MoverRules(24, (24,), 500, 2))
    assert (page["earlier_mean"], page["ratio"], page["daily_views"]) == (0, None, [0, 500])
    assert page["score"] == pytest.approx(2 * 500 * 0.693147)


def test_least_score_with_the_default_floors_is_the_one_in_the_docs() -> None:
    (page,) = found([("en", "A", 1_750, 0), ("en", "A", 500, 1)], MoverRules(24, (168,), 500, 2))
    assert isinstance(page["score"], float)
    assert 160 < page["score"] < 165


@pytest.mark.parametrize("per_domain", [False, True])
def test_best_breaks_ties_by_views_then_domain_then_title_in_byte_order(per_domain: bool) -> None:
    rows = [
        ("en", "\U0001f600", 5.0, 9),
        ("en", "\uffee", 5.0, 9),
        ("de", "Z", 5.0, 9),
        ("en", "a", 5.0, 10),
        ("de", "Y", 6.0, 1),
        ("en", "b", 1.0, 99),
    ]
    frame = pl.DataFrame(rows, ["domain_code", "page_title", "score", "views"], orient="row")
    ranked = best(frame, ("score", "views"), 4, per_domain=per_domain)
    order = [("de", "Y"), ("en", "a"), ("de", "Z"), ("en", "\uffee")]
    if per_domain:
        order = [("de", "Y"), ("de", "Z"), ("en", "a"), ("en", "\uffee"), ("en", "\U0001f600"), ("en", "b")]
    assert ranked.select("domain_code", "page_title").rows() == order
    assert ranked.get_column("rank").to_list() == ([1, 2, 1, 2, 3, 4] if per_domain else [1, 2, 3, 4])
