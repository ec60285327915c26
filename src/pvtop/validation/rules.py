"""The rules that every report must meet, and the error that lists all violations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from pvtop.core.domain import SHARED_CODES
from pvtop.core.errors import InvalidReportError
from pvtop.core.escape import shorten
from pvtop.core.hour import Hour
from pvtop.transform.ranking import wide_sum
from pvtop.transform.report import Report
from pvtop.transform.schemas import DOMAINS, NOT_UTF8, PAGE_KEY, TOP_PAGES


class Rule(NamedTuple):
    """A rule that a report must meet.

    Attributes:
        text: The rule as a clause, such as `no count is negative`.
        find: Returns one row for each thing in a report that breaks the rule; no rows if the report meets it.
    """

    text: str
    find: Callable[[Report], pl.DataFrame]


class Violation(NamedTuple):
    """A rule that a report breaks.

    Attributes:
        rule: The text of the rule.
        rows: What breaks the rule; at least one row.
    """

    rule: str
    rows: pl.DataFrame

    def __str__(self) -> str:
        first = self.rows.row(0, named=True)
        shown = {name: shorten(value) if isinstance(value, str) else value for name, value in first.items()}
        found = ", ".join(f"{name} {value!r}" for name, value in shown.items())
        more = f" and {len(self.rows) - 1:,} more" if len(self.rows) > 1 else ""
        return f"{self.rule} (found {found}{more})"


def violations_of(report: Report, rules: Iterable[Rule]) -> list[Violation]:
    """Return the rules that a report breaks. If its columns are wrong, no other rule is checked."""
    return list(_check(report, rules))


def _check(report: Report, rules: Iterable[Rule]) -> Iterator[Violation]:
    for rule in rules:
        rows = rule.find(report)
        if len(rows):
            yield Violation(rule.text, rows)
            if rule is COLUMNS_RULE:
                return


def raise_for_violations(
    violations: Mapping[Hour, Sequence[Violation]], hint: str, setting: str = "", remedy: str = ""
) -> None:
    """Raise one error that names every violation of every report.

    Args:
        violations: The violations of each report; empty for a valid report.
        hint: What to do about it.
        setting: The field of `Settings` that the hint is about, if any.
        remedy: The key of the command line's own advice, if it has any.

    Raises:
        InvalidReportError: There is a violation.
    """
    messages = [
        f"the report of {hour} breaks a rule: {'; '.join(map(str, found))}"
        for hour, found in violations.items()
        if found
    ]
    if messages:
        broken = [hour.iso for hour, found in violations.items() if found]
        raise InvalidReportError("; ".join(messages), hint, setting, remedy, broken[0] if len(broken) == 1 else "")


def none_blacklisted(blacklist: pl.DataFrame) -> Rule:
    """Return the rule that no page is on the blacklist.

    Args:
        blacklist: `domain_code` String, `page_title` String; every entry as written and percent-decoded.
    """
    return Rule("no page is on the blacklist", lambda report: report.top_pages.join(blacklist, on=PAGE_KEY, how="semi"))


def _wrong_columns(report: Report) -> pl.DataFrame:
    found = {**report.top_pages.schema, **{f"domains.{name}": kind for name, kind in report.domains.schema.items()}}
    expected = {**TOP_PAGES, **{f"domains.{name}": kind for name, kind in DOMAINS.items()}}
    if list(found.items()) == list(expected.items()):
        return pl.DataFrame()
    return pl.DataFrame({"columns": [", ".join(f"{name} {kind}" for name, kind in found.items())]})


def _ranks_with_gaps(report: Report) -> pl.DataFrame:
    expected = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("domain_code")
    return report.top_pages.filter(pl.col("rank").ne_missing(expected))


def _ranks_above_top(report: Report) -> pl.DataFrame:
    return report.top_pages.filter(pl.col("rank") > report.provenance.top)


def _pages_out_of_order(report: Report) -> pl.DataFrame:
    """Compare each page with the one before it. The order is total, so nothing has to be sorted."""
    code, views, title = (pl.col(name) for name in ("domain_code", "views", "page_title"))
    tied = (views == views.shift()) & (title < title.shift())
    within_domain = (code == code.shift()) & ((views > views.shift()) | tied)
    return report.top_pages.filter((code < code.shift()) | within_domain)


def _domains_out_of_order(report: Report) -> pl.DataFrame:
    return report.domains.filter(pl.col("domain_code") <= pl.col("domain_code").shift())


def _repeated_pages(report: Report) -> pl.DataFrame:
    r"""Return the pages that occur more often than a correct dump can list them.

    A correct dump lists a page once, with three exceptions.

    A code that stands for two wikis (`SHARED_CODES`) can have a page twice. The empty code, which stands for all wikis
    without a code of their own, can have it any number of times. So can a code or title that was not UTF-8: different
    bytes become the same U+FFFD.
    """
    code = pl.col("domain_code")
    any_number = pl.any_horizontal(pl.col(name).str.contains(NOT_UTF8, literal=True) for name in PAGE_KEY) | (
        code == ""
    )
    limit = pl.when(code.is_in(list(SHARED_CODES))).then(2).otherwise(1)
    repeated = report.top_pages.filter(report.top_pages.select(PAGE_KEY).is_duplicated())
    return repeated.filter((pl.len().over(PAGE_KEY) > limit) & ~any_number)


def _negative_counts(report: Report) -> pl.DataFrame:
    """Return the counts below zero. Zero is valid: a dump may contain it, and the page then ranks last."""
    of_domains = report.domains.filter(pl.any_horizontal(pl.col(pl.Int64) < 0)).select("domain_code", "views")
    return pl.concat([report.top_pages.filter(pl.col("views") < 0).select("domain_code", "views"), of_domains])


def _more_than_totals(report: Report) -> pl.DataFrame:
    """Return the domains whose entries exceed their totals minus the blacklisted pages."""
    more = (pl.col("entries") > pl.col("rankable_pages")) | (pl.col("entry_views") > pl.col("rankable_views"))
    return _join_totals(report, how="left").filter(more.fill_null(value=True))


def _too_few_entries(report: Report) -> pl.DataFrame:
    """Return the domains with fewer entries than pages to rank, if the unknown pages cannot explain the difference.

    The totals of a domain do not say how many of its pages are unknown. So the missing entries of all domains together
    are compared with the unknown pages of the whole dump.
    """
    expected = pl.min_horizontal("rankable_pages", pl.lit(report.provenance.top))
    compared = _join_totals(report, how="right").with_columns(missing=expected - pl.col("entries").fill_null(0))
    too_few = compared.filter(pl.col("missing") > 0)
    return too_few if int(too_few.get_column("missing").sum()) > report.provenance.unknown_rows else pl.DataFrame()


def _join_totals(report: Report, how: str) -> pl.DataFrame:
    """Return the entries and the pages to rank of each domain, with the views of both.

    Returns:
        `domain_code` String, `entries` Int64, `entry_views` Int128, `rankable_pages` Int64, `rankable_views` Int64.
    """
    entries = report.top_pages.group_by("domain_code", maintain_order=True).agg(
        entries=pl.len().cast(pl.Int64), entry_views=pl.col("views").cast(pl.Int128).sum()
    )
    rankable = report.domains.select(
        "domain_code",
        rankable_pages=pl.col("pages") - pl.col("blacklisted_pages"),
        rankable_views=pl.col("views") - pl.col("blacklisted_views"),
    )
    return entries.join(rankable, on="domain_code", how=how, maintain_order="left_right")  # type: ignore[arg-type]


def _wrong_provenance(report: Report) -> pl.DataFrame:
    """Return the fields of the provenance that differ from the hour and the frames. Sums have 128 bits."""
    hour, provenance, domains, pages = report.hour, report.provenance, report.domains, report.top_pages
    expected = {
        "stamp": f"{hour.stamp:%Y-%m-%dT%H:%M:%SZ}",
        "start": f"{hour.start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{hour.stamp:%Y-%m-%dT%H:%M:%SZ}",
        "rows": wide_sum(domains.get_column("pages")),
        "views": wide_sum(domains.get_column("views")),
        "blacklisted_rows": wide_sum(domains.get_column("blacklisted_pages")),
        "blacklisted_views": wide_sum(domains.get_column("blacklisted_views")),
        "domains": pages.get_column("domain_code").n_unique(),
        "entries": len(pages),
        "entry_views": wide_sum(pages.get_column("views")),
    }
    pairs = {name: (getattr(provenance, name), value) for name, value in expected.items()}
    rows = [(name, str(stated), str(value)) for name, (stated, value) in pairs.items() if stated != value]
    return pl.DataFrame(rows, schema=["fact", "provenance", "report"], orient="row")


def _domains_without_pages(report: Report) -> pl.DataFrame:
    """Return the domains that have no pages. A domain is in a dump only if the dump has pages of it."""
    return report.domains.filter(pl.col("pages") == 0)


def _missing_values(report: Report) -> pl.DataFrame:
    domains = report.domains.filter(pl.any_horizontal(pl.all().is_null())).select("domain_code")
    pages = report.top_pages.filter(pl.any_horizontal(pl.all().is_null()) | (pl.col("page_title") == ""))
    return pl.concat([pages, domains], how="diagonal")


COLUMNS_RULE = Rule("the columns are those of a report", _wrong_columns)
REPORT_RULES = (
    COLUMNS_RULE,
    Rule("no value is missing", _missing_values),
    Rule("ranks run 1, 2, 3, ... in each domain", _ranks_with_gaps),
    Rule("no rank exceeds the number of pages per domain", _ranks_above_top),
    Rule("pages are sorted by domain, views and title", _pages_out_of_order),
    Rule("no page occurs twice", _repeated_pages),
    Rule("no count is negative", _negative_counts),
    Rule("domains are sorted and occur once", _domains_out_of_order),
    Rule("every domain has pages", _domains_without_pages),
    Rule("no domain has more entries or views than its totals allow", _more_than_totals),
    Rule("no domain has fewer entries than its pages allow", _too_few_entries),
    Rule("the provenance matches the frames", _wrong_provenance),
)
"""The rules for every report, whatever dump it is made from."""
