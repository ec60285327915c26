"""Validation: small rules over a report. All are looked at, and one error tells every failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from pvtop.errors import InvalidReportError
from pvtop.report import DOMAINS, TOP_PAGES, Report

PAGE = ["domain_code", "page_title"]


@dataclass(frozen=True, slots=True)
class Validator:
    """One rule.

    Attributes:
        rule: What holds of a good report, as a sentence.
        violations: Gives what breaks the rule; nothing where it holds.
    """

    rule: str
    violations: Callable[[Report], pl.DataFrame]


def validate(report: Report, blacklist: pl.DataFrame) -> None:
    """Hold a report to every rule.

    Args:
        report: The report.
        blacklist: `domain_code` String, `page_title` String, in both spellings.

    Raises:
        InvalidReportError: Rules are broken; the message names all of them, each with an example.
    """
    failures = list(_failures(report, blacklist))
    if failures:
        raise InvalidReportError(
            f"the report of {report.hour} is not valid: {'; '.join(failures)}",
            "nothing was completed; --no-validate completes it all the same",
        )


def _failures(report: Report, blacklist: pl.DataFrame) -> Iterator[str]:
    if report.top_pages.schema != TOP_PAGES or report.domains.schema != DOMAINS:
        yield "its columns are not those of a report"
        return
    on_blacklist = Validator(
        "no page is on the blacklist", lambda it: it.top_pages.join(blacklist, on=PAGE, how="semi")
    )
    for validator in (*RULES, on_blacklist):
        violations = validator.violations(report)
        if len(violations):
            yield f"{validator.rule}, but {violations.row(0)!r} ({len(violations):,} such)"


def _ranks_have_gaps(report: Report) -> pl.DataFrame:
    expected = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("domain_code")
    return report.top_pages.filter(pl.col("rank").ne_missing(expected))


def _out_of_order(report: Report) -> pl.DataFrame:
    ordered = report.top_pages.sort("domain_code", "views", "page_title", descending=[False, True, False])
    moved = pl.any_horizontal(pl.col(name).ne_missing(ordered[name]) for name in ("domain_code", "views", "page_title"))
    return report.top_pages.filter(moved)


def _more_than_the_dump_has(report: Report) -> pl.DataFrame:
    """Compare each domain's entries with its totals: it cannot have more pages or views than were left to rank."""
    entries = report.top_pages.group_by("domain_code").agg(entries=pl.len(), entry_views=pl.col("views").sum())
    left_pages = pl.col("pages") - pl.col("blacklisted_pages")
    left_views = pl.col("views") - pl.col("blacklisted_views")
    beyond = (pl.col("entries") > left_pages) | (pl.col("entry_views") > left_views)
    return entries.join(report.domains, on="domain_code", how="left").filter(beyond.fill_null(value=True))


def _other_totals(report: Report) -> pl.DataFrame:
    """Compare the sums over the domains with the whole; Python's own sums, which do not overflow."""
    if report.domains.null_count().sum_horizontal().item():
        return report.domains.filter(pl.any_horizontal(pl.all().is_null()))
    sums = {name: sum(report.domains.get_column(name)) for name in ("pages", "views")}
    same = sums == {"pages": report.provenance.rows, "views": report.provenance.views}
    return pl.DataFrame() if same else pl.DataFrame([{name: str(value) for name, value in sums.items()}])


_MISSING = pl.any_horizontal(pl.all().is_null()) | (pl.col("page_title") == "")
RULES = (
    Validator("no value is missing", lambda it: it.top_pages.filter(_MISSING)),
    Validator("ranks run 1, 2, 3, ... in each domain", _ranks_have_gaps),
    Validator("pages are sorted by domain, views and title", _out_of_order),
    Validator("ranks end at the top", lambda it: it.top_pages.filter(pl.col("rank") > it.provenance.top)),
    Validator("entries stay within their domain's totals", _more_than_the_dump_has),
    Validator("the totals add up to the whole", _other_totals),
)
