"""Reports compared with a recount and with projectviews."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pvtop.validation.comparisons import projectviews_match, recount_matches
from pvtop.validation.recount import DomainCount, Recount
from pvtop.validation.rules import violations_of
from support.reports import PAGES, TOTALS, make_report

GOOD = DomainCount(5, 420_930, 1, 1_200, [(views, title) for code, _, title, views in PAGES if code == "en" and title])
THERE = frozenset(code for code, *_ in TOTALS)


@pytest.mark.parametrize(
    ("counted", "what"),
    [
        (GOOD, []),
        (replace(GOOD, pages=6), ["pages"]),
        (replace(GOOD, views=0), ["views"]),
        (replace(GOOD, blacklisted_pages=0), ["blacklisted_pages"]),
        (replace(GOOD, blacklisted_views=0), ["blacklisted_views"]),
        (replace(GOOD, ranked=GOOD.ranked[::-1]), ["rank 1", "rank 3"]),
        (replace(GOOD, ranked=GOOD.ranked[:2]), ["rank 3"]),
        (replace(GOOD, ranked=[*GOOD.ranked, (1, "A")]), ["rank 4"]),
        (replace(GOOD, ranked=[(382_050, "Main_Page"), *GOOD.ranked[1:]]), ["rank 1"]),
    ],
)
def test_recount_matches_compares_every_part_of_a_domain(counted: DomainCount, what: list[str]) -> None:
    violations = violations_of(make_report(totals=TOTALS), [recount_matches(Recount(THERE, {"en": counted}))])
    assert [part for violation in violations for part in violation.rows.get_column("what")] == what


OURS = {code: views for code, _, views, *_ in TOTALS if views is not None}


def test_projectviews_match_accepts_sums_beyond_64_bits() -> None:
    (violation,) = violations_of(make_report(), [projectviews_match(OURS | {"en": 2**64})])
    assert violation.rows.rows() == [("en", 420_930, 2**64)]


def test_projectviews_match_passes_equal_totals() -> None:
    assert violations_of(make_report(), [projectviews_match(OURS)]) == []


def test_projectviews_match_lists_differences_by_domain() -> None:
    theirs = {"": OURS[""], "en": OURS["en"] - 1, "fr": 3}
    (violation,) = violations_of(make_report(), [projectviews_match(theirs)])
    assert violation.rule == "the views of each domain match the projectviews"
    assert violation.rows.columns == ["domain_code", "report", "projectviews"]
    assert violation.rows.rows() == [("de", 34, None), ("en", 420_930, 420_929), ("fr", None, 3)]
