"""Validation: every rule, broken by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest

from pvtop.blacklist import no_blacklist
from pvtop.errors import InvalidReportError
from pvtop.report import Report
from pvtop.validation import RULES, validate
from reports import TOTALS, Page, Totals, make_report

EN = (("en", 1, "Main_Page", 382_051), ("en", 2, "Climate", 36_183), ("en", 3, "Weather", 30))
RANKS = "ranks run 1, 2, 3, ... in each domain"
ORDER = "pages are sorted by domain, views and title"
TOP = "ranks end at the top"
WITHIN = "entries stay within their domain's totals"
WHOLE = "the totals add up to the whole"
LISTED = "no page is on the blacklist"


def broken(report: Report, blacklist: Sequence[tuple[str, str]] = ()) -> list[str]:
    """Give the rules that a report is told to break."""
    pages = pl.DataFrame(blacklist, schema=no_blacklist().schema, orient="row")
    with pytest.raises(InvalidReportError, match="2019-04-01 12:00 UTC is not valid: ") as caught:
        validate(report, pages)
    return [rule for rule in (*(it.rule for it in RULES), LISTED) if rule in caught.value.message]


def test_a_good_report_passes() -> None:
    validate(make_report(), no_blacklist())


def test_a_report_of_nothing_passes() -> None:
    validate(make_report(pages=[], totals=[], rows=0, views=0), no_blacklist())


def test_ties_in_byte_order_pass() -> None:
    pages = [("en", rank, title, 5) for rank, title in enumerate(["B", "a", "é", "\uffff", "\U0001d11e"], 1)]
    validate(make_report(pages, [("en", 9, 421_000, 0, 0)]), no_blacklist())


def test_a_page_on_the_blacklist_of_another_domain_passes() -> None:
    validate(make_report(), pl.DataFrame([("de", "Climate")], schema=no_blacklist().schema, orient="row"))


WRONG: dict[str, tuple[Sequence[Page], str]] = {
    "a gap": ((EN[0], ("en", 3, "Climate", 36_183)), RANKS),
    "a repeat": ((EN[0], ("en", 1, "Climate", 36_183)), RANKS),
    "a start at 0": ((("en", 0, "Main_Page", 382_051), ("en", 1, "Climate", 36_183)), RANKS),
    "a start at 2": ((("en", 2, "Main_Page", 382_051), ("en", 3, "Climate", 36_183)), RANKS),
    "views ascending": ((("en", 1, "Weather", 30), ("en", 2, "Climate", 36_183)), ORDER),
    "ties not in byte order": ((("en", 1, "b", 5), ("en", 2, "B", 5)), ORDER),
    "domains descending": ((EN[0], ("", 1, "Z6", 36)), ORDER),
    "more pages than the domain has": ((("", 1, "Z6", 30), ("", 2, "Z7", 6)), WITHIN),
    "more views than the domain has": ((("", 1, "Z6", 37),), WITHIN),
    "a domain without totals": ((("fr", 1, "Temps", 1),), WITHIN),
}


@pytest.mark.parametrize(("pages", "rule"), WRONG.values(), ids=WRONG)
def test_wrong_pages(pages: Sequence[Page], rule: str) -> None:
    assert broken(make_report(pages)) == [rule]


@pytest.mark.parametrize("totals", [("en", 2, 9, 2, 0), ("en", 2, 9, 1, 5)], ids=["pages", "views"])
def test_more_than_the_blacklist_left(totals: Totals) -> None:
    assert broken(make_report([("en", 1, "A", 5)], [totals], rows=2, views=9)) == [WITHIN]


def test_all_that_the_blacklist_left_passes() -> None:
    validate(make_report([("en", 1, "A", 5)], [("en", 2, 9, 1, 4)], rows=2, views=9), no_blacklist())


def test_more_ranks_than_asked_for() -> None:
    validate(make_report(top=3), no_blacklist())
    assert broken(make_report(top=2)) == [TOP]


@pytest.mark.parametrize("report", [make_report(rows=8), make_report(views=421_001)], ids=["rows", "views"])
def test_totals_that_do_not_add_up(report: Report) -> None:
    assert broken(report) == [WHOLE]


def test_a_domain_whose_totals_are_missing() -> None:
    assert broken(make_report(totals=TOTALS[1:])) == [WITHIN, WHOLE]


def test_a_page_on_the_blacklist() -> None:
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
def test_wrong_columns(report: Report) -> None:
    with pytest.raises(InvalidReportError, match="its columns are not those of a report"):
        validate(report, no_blacklist())


def test_one_error_names_every_broken_rule() -> None:
    pages = [("en", 2, "Weather", 30), ("en", 2, "Climate", 500_000), ("en", 5, "Climate", 1)]
    report = make_report(pages, top=3, rows=1)
    assert broken(report, [("en", "Weather")]) == [RANKS, ORDER, TOP, WITHIN, WHOLE, LISTED]


def test_an_error_gives_an_example_and_a_number() -> None:
    pages = [EN[0], ("en", 7, "Climate", 36_183), ("en", 8, "Weather", 30)]
    with pytest.raises(InvalidReportError) as caught:
        validate(make_report(pages), no_blacklist())
    assert "but ('en', 7, 'Climate', 36183) (2 such)" in caught.value.message
    assert "--no-validate" in caught.value.hint


def test_exit_code() -> None:
    with pytest.raises(InvalidReportError) as caught:
        validate(make_report(rows=0), no_blacklist())
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("page", [("en", None, "Climate", 5), ("en", 2, None, 5), ("en", 2, "", 5)])
def test_a_rank_and_a_title_are_never_missing(page: Page) -> None:
    broken(make_report([EN[0], page]))


@pytest.mark.parametrize("totals", [("en", None, 421_000, 0, 0), ("en", 9, None, 0, 0), ("en", 9, 421_000, None, 0)])
def test_totals_are_never_missing(totals: Totals) -> None:
    broken(make_report([], [totals]))


def test_totals_beyond_64_bits_add_up() -> None:
    most = 2**62
    report = make_report(
        [("de", 1, "a", most), ("en", 1, "a", most)],
        [("de", 1, most, 0, 0), ("en", 1, most, 0, 0)],
        rows=2,
        views=2 * most,
    )
    validate(report, no_blacklist())
