"""The rules of a report, each broken by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from pvtop.core.domain import SHARED_CODES
from pvtop.core.errors import InvalidReportError
from pvtop.core.hour import Hour
from pvtop.transform.blacklist import no_blacklist
from pvtop.transform.report import Report
from pvtop.validation.rules import REPORT_RULES, Violation, none_blacklisted, raise_for_violations, violations_of
from support.reports import HOUR, TOTALS, Page, Totals, make_report

EN = (("en", 1, "Main_Page", 382_051), ("en", 2, "Climate", 36_183), ("en", 3, "Weather", 30))
COLUMNS = "the columns are those of a report"
RANKS = "ranks run 1, 2, 3, ... in each domain"
ORDER = "pages are sorted by domain, views and title"
TWICE = "no page occurs twice"
NEGATIVE = "no count is negative"
TOP = "no rank exceeds the number of pages per domain"
DOMAINS = "domains are sorted and occur once"
EMPTY = "every domain has pages"
WITHIN = "no domain has more entries or views than its totals allow"
LACKING = "no domain has fewer entries than its pages allow"
PROVENANCE = "the provenance matches the frames"
LISTED = "no page is on the blacklist"


def fitting(pages: Sequence[Page], totals: Sequence[Totals] | None = None, **facts: object) -> Report:
    """Make a report whose totals are those of its pages, and whose provenance matches the frames."""
    if totals is None:
        views: Counter[str] = Counter()
        for code, _, _, count in pages:
            views[code] += count
        entries = Counter(code for code, *_ in pages)
        totals = [(code, entries[code], views[code], 0, 0) for code in sorted(views)]
    told: dict[str, Any] = {
        "rows": sum(it[1] or 0 for it in totals),
        "views": sum(it[2] or 0 for it in totals),
        "blacklisted_rows": sum(it[3] or 0 for it in totals),
        "blacklisted_views": sum(it[4] or 0 for it in totals),
        "unknown_rows": 0,
        "domains": len({code for code, *_ in pages}),
        "entries": len(pages),
        "entry_views": sum(it[3] for it in pages),
    }
    return make_report(pages, totals, **(told | facts))


def broken(report: Report, blacklist: Sequence[tuple[str, str]] = ()) -> list[str]:
    """Return the rules that a report breaks."""
    pages = pl.DataFrame(blacklist, schema=no_blacklist().schema, orient="row")
    return [violation.rule for violation in violations_of(report, [*REPORT_RULES, none_blacklisted(pages)])]


def test_good_report_passes() -> None:
    assert broken(make_report()) == []


def test_empty_report_passes() -> None:
    assert broken(fitting([], [])) == []


def test_ties_in_byte_order_pass() -> None:
    pages = [("en", rank, title, 5) for rank, title in enumerate(["B", "a", "é", "\uffff", "\U0001d11e"], 1)]
    assert broken(fitting(pages)) == []


def test_page_blacklisted_in_another_domain_passes() -> None:
    assert broken(make_report(), [("de", "Climate")]) == []


def test_pages_without_views_pass() -> None:
    """A dump may hold a count of zero: what is read from a good dump is a good report."""
    assert broken(fitting([("en", 1, "A", 5), ("en", 2, "B", 0), ("fr", 1, "C", 0)])) == []


WRONG: dict[str, tuple[Sequence[Page], list[str]]] = {
    "a gap": ((EN[0], ("en", 3, "Climate", 36_183)), [RANKS]),
    "a repeat": ((EN[0], ("en", 1, "Climate", 36_183)), [RANKS]),
    "a start at 0": ((("en", 0, "Main_Page", 382_051), ("en", 1, "Climate", 36_183)), [RANKS]),
    "a start at 2": ((("en", 2, "Main_Page", 382_051), ("en", 3, "Climate", 36_183)), [RANKS]),
    "views ascending": ((("en", 1, "Weather", 30), ("en", 2, "Climate", 36_183)), [ORDER]),
    "ties not in byte order": ((("en", 1, "b", 5), ("en", 2, "B", 5)), [ORDER]),
    "domains descending": ((EN[0], ("", 1, "Z6", 36)), [ORDER]),
    "a domain in two parts": ((("de", 1, "A", 5), EN[0], ("de", 2, "B", 4)), [ORDER]),
    "a page twice": ((("en", 1, "A", 5), ("en", 2, "B", 4), ("en", 3, "A", 3)), [TWICE]),
    "a page twice with the same views": ((("en", 1, "A", 5), ("en", 2, "A", 5)), [TWICE]),
    "negative views": ((("en", 1, "A", 5), ("en", 2, "B", -1)), [NEGATIVE]),
}


@pytest.mark.parametrize(("pages", "rules"), WRONG.values(), ids=WRONG)
def test_wrong_pages_break_a_rule(pages: Sequence[Page], rules: list[str]) -> None:
    assert broken(fitting(pages)) == rules


@pytest.mark.parametrize("code", sorted(SHARED_CODES))
def test_code_of_several_wikis_may_have_a_page_twice(code: str) -> None:
    assert broken(fitting([(code, 1, "A", 5), (code, 2, "A", 3)])) == []


@pytest.mark.parametrize("code", sorted(SHARED_CODES))
def test_only_the_empty_code_may_have_a_page_three_times(code: str) -> None:
    thrice = fitting([(code, rank, "A", 5) for rank in (1, 2, 3)])
    assert broken(thrice) == ([] if code == "" else [TWICE])


@pytest.mark.parametrize(("code", "title"), [("en", "Caf\ufffd"), ("e\ufffd", "A")])
def test_page_that_was_not_utf8_may_occur_twice(code: str, title: str) -> None:
    assert broken(fitting([(code, 1, title, 5), (code, 2, title, 3)])) == []


TOTALS_WRONG: dict[str, tuple[Sequence[Totals], list[str]]] = {
    "more pages than the domain has": ([("en", 1, 20, 0, 0)], [WITHIN]),
    "more views than the domain has": ([("en", 2, 8, 0, 0)], [WITHIN]),
    "more pages than the blacklist left": ([("en", 3, 20, 2, 2)], [WITHIN]),
    "more views than the blacklist left": ([("en", 3, 20, 1, 12)], [WITHIN]),
    "no totals": ([("de", 1, 0, 1, 0)], [WITHIN]),
    "a domain without pages": ([("de", 0, 0, 0, 0), ("en", 2, 9, 0, 0)], [EMPTY]),
    "fewer entries than there are pages": ([("en", 3, 20, 0, 0)], [LACKING]),
    "fewer entries than the blacklist left": ([("en", 4, 20, 1, 5)], [LACKING]),
    "a domain without entries": ([("en", 2, 9, 0, 0), ("fr", 1, 1, 0, 0)], [LACKING]),
    "domains descending": ([("fr", 1, 0, 1, 0), ("en", 2, 9, 0, 0)], [DOMAINS]),
    "a domain twice": ([("de", 1, 0, 1, 0), ("de", 1, 0, 1, 0), ("en", 2, 9, 0, 0)], [DOMAINS]),
    "negative totals": ([("de", -1, 0, 0, 0), ("en", 2, 9, 0, 0)], [NEGATIVE]),
}


@pytest.mark.parametrize(("totals", "rules"), TOTALS_WRONG.values(), ids=TOTALS_WRONG)
def test_wrong_totals_break_a_rule(totals: Sequence[Totals], rules: list[str]) -> None:
    assert broken(fitting([("en", 1, "A", 5), ("en", 2, "B", 4)], totals)) == rules


def test_report_of_all_pages_that_are_not_blacklisted_passes() -> None:
    assert broken(fitting([("en", 1, "A", 5)], [("en", 2, 9, 1, 4)])) == []


def test_unknown_pages_explain_missing_entries() -> None:
    pages, totals = [("de", 1, "A", 5)], [("de", 2, 9, 0, 0), ("en", 1, 4, 0, 0)]
    assert broken(fitting(pages, totals, unknown_rows=2)) == []
    assert broken(fitting(pages, totals, unknown_rows=1)) == [LACKING]


def test_pages_below_the_top_are_not_missing_entries() -> None:
    assert broken(fitting(EN, [("en", 9, 500_000, 0, 0)], top=3)) == []


def test_more_ranks_than_the_top_break_a_rule() -> None:
    assert broken(fitting(EN, top=2)) == [TOP]


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("stamp", "2019-04-01T13:00:00Z"), ("start", "2019-04-01T12:00:00Z"), ("end", "2019-04-01T13:00:00Z"),
        ("rows", 8), ("views", 421_001), ("blacklisted_rows", 1), ("blacklisted_views", 1_235), ("domains", 3),
        ("entries", 5), ("entry_views", 418_301),
    ],
)  # fmt: skip
def test_provenance_that_differs_breaks_a_rule(fact: str, value: object) -> None:
    told: dict[str, Any] = {fact: value}
    (violation,) = violations_of(make_report(**told), REPORT_RULES)
    assert violation.rule == PROVENANCE
    assert violation.rows.get_column("fact").to_list() == [fact]
    assert violation.rows.get_column("provenance").to_list() == [str(value)]


def test_report_of_another_hour_breaks_a_rule() -> None:
    assert broken(replace(make_report(), hour=Hour.parse("2019-04-02T12"))) == [PROVENANCE]


def test_blacklisted_page_breaks_a_rule() -> None:
    assert broken(make_report(), [("de", "Weather"), ("en", "Climate")]) == [LISTED]


@pytest.mark.parametrize(
    "report",
    [
        replace(make_report(), top_pages=make_report().top_pages.with_columns(pl.col("rank").cast(pl.Int64))),
        replace(make_report(), top_pages=make_report().top_pages.drop("views")),
        replace(make_report(), domains=make_report().domains.with_columns(extra=1)),
    ],
    ids=["another type", "a column less", "a column more"],
)
def test_wrong_columns_are_the_only_violation(report: Report) -> None:
    assert broken(report) == [COLUMNS]


@pytest.mark.parametrize("page", [("en", None, "Climate", 5), ("en", 2, None, 5), ("en", 2, "", 5)])
def test_missing_value_breaks_a_rule(page: Page) -> None:
    assert "no value is missing" in broken(fitting([EN[0], page]))


def test_missing_total_breaks_a_rule() -> None:
    assert "no value is missing" in broken(make_report(totals=[*TOTALS[:2], ("en", None, 420_930, 1, 1_200)]))


def test_all_broken_rules_are_found() -> None:
    pages = [("en", 2, "Weather", -2), ("en", 2, "Weather", 500_000), ("en", 5, "Climate", 1)]
    report = make_report(pages, [TOTALS[2], TOTALS[2], ("fr", 9, 9, 0, 0)], top=4, rows=1)
    rules = [RANKS, TOP, ORDER, TWICE, NEGATIVE, DOMAINS, WITHIN, LACKING, PROVENANCE, LISTED]
    assert broken(report, [("en", "Weather")]) == rules


def test_violation_shows_an_example_and_a_number() -> None:
    (violation,) = violations_of(
        fitting([EN[0], ("en", 7, "Climate", 36_183), ("en", 8, "Weather", 30)]), [REPORT_RULES[2]]
    )
    assert str(violation) == (f"{RANKS} (found domain_code 'en', rank 7, page_title 'Climate', views 36183 and 1 more)")


def test_one_error_lists_every_violation_of_every_report() -> None:
    first, second = Violation("a", pl.DataFrame({"x": [1, 2]})), Violation("b", pl.DataFrame({"x": ["y"]}))
    with pytest.raises(InvalidReportError) as caught:
        raise_for_violations({HOUR: [first, second], HOUR + 1: [], HOUR + 2: [second]}, "do this", setting="force")
    assert caught.value.message == (
        "the report of 2019-04-01 12:00 UTC breaks a rule: a (found x 1 and 1 more); b (found x 'y'); "
        "the report of 2019-04-01 14:00 UTC breaks a rule: b (found x 'y')"
    )
    assert (caught.value.hint, caught.value.setting, caught.value.exit_code) == ("do this", "force", 5)


def test_raise_for_violations_accepts_good_reports() -> None:
    raise_for_violations({HOUR: [], HOUR + 1: []}, "do this")


def test_totals_beyond_64_bits_pass() -> None:
    most = 2**62
    assert broken(fitting([("de", 1, "a", most), ("en", 1, "a", most)])) == []
