"""Validation: small rules over a report. All are looked at, and one error tells every failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pvtop.core.domain import SHARED_CODES
from pvtop.core.errors import InvalidReportError
from pvtop.core.escape import shorten
from pvtop.core.hour import Hour
from pvtop.transform.ranking import wide_sum
from pvtop.transform.report import Report
from pvtop.transform.schemas import DOMAINS, PAGE_KEY, TOP_PAGES

NOT_UTF8 = "\ufffd"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        rule: What holds of a good report, as a clause.
        violations: Gives what breaks the rule, a row for each; nothing where it holds.
    """

    rule: str
    violations: Callable[[Report], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that is broken.

    Attributes:
        rule: The rule.
        violations: What breaks it; at least one row.
    """

    rule: str
    violations: pl.DataFrame

    def __str__(self) -> str:
        first = tuple(shorten(value) if isinstance(value, str) else value for value in self.violations.row(0))
        return f"{self.rule}, but {first!r} ({len(self.violations):,} such)"


def violations_of(report: Report, validators: Iterable[Rule]) -> list[Violation]:
    """Hold a report to rules, and give those that it breaks; where its columns are others, only that."""
    return list(_failures(report, validators))


def _failures(report: Report, validators: Iterable[Rule]) -> Iterator[Violation]:
    for validator in validators:
        violations = validator.violations(report)
        if len(violations):
            yield Violation(validator.rule, violations)
            if validator is COLUMNS:
                return


def raise_for_violations(failures: Mapping[Hour, Sequence[Violation]], hint: str) -> None:
    """Raise one error that tells of every rule that every report breaks.

    Args:
        failures: The rules that reports break; none for a good one.
        hint: What to do about it.

    Raises:
        InvalidReportError: There is a rule that is broken.
    """
    told = [
        f"the report of {hour} is not valid: {'; '.join(map(str, broken))}"
        for hour, broken in failures.items()
        if broken
    ]
    if told:
        raise InvalidReportError("; ".join(told), hint)


def none_excluded(blacklist: pl.DataFrame) -> Rule:
    """Make the rule that no page is on a blacklist: `domain_code` String, `page_title` String, in both spellings."""
    return Rule("no page is on the blacklist", lambda it: it.top_pages.join(blacklist, on=PAGE_KEY, how="semi"))


def _other_columns(report: Report) -> pl.DataFrame:
    found = {**report.top_pages.schema, **{f"domains.{name}": kind for name, kind in report.domains.schema.items()}}
    wanted = {**TOP_PAGES, **{f"domains.{name}": kind for name, kind in DOMAINS.items()}}
    if list(found.items()) == list(wanted.items()):
        return pl.DataFrame()
    return pl.DataFrame({"columns": [", ".join(f"{name} {kind}" for name, kind in found.items())]})


def _ranks_have_gaps(report: Report) -> pl.DataFrame:
    expected = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("domain_code")
    return report.top_pages.filter(pl.col("rank").ne_missing(expected))


def _pages_out_of_order(report: Report) -> pl.DataFrame:
    """Compare each page with the one before it: the order is total, so nothing has to be sorted."""
    code, views, title = (pl.col(name) for name in ("domain_code", "views", "page_title"))
    tied = (views == views.shift()) & (title < title.shift())
    later = (code == code.shift()) & ((views > views.shift()) | tied)
    return report.top_pages.filter((code < code.shift()) | later)


def _domains_out_of_order(report: Report) -> pl.DataFrame:
    return report.domains.filter(pl.col("domain_code") <= pl.col("domain_code").shift())


def _repeated(report: Report) -> pl.DataFrame:
    r"""Give pages that occur more often than a dump can lawfully list them, which is once.

    It can list them twice where a code stands for two wikis, any number of times where it stands for all that have no
    code of their own (`SHARED_CODES`), and where code or title were not UTF-8, as all that is not becomes U+FFFD.
    """
    code = pl.col("domain_code")
    lawful = pl.any_horizontal(pl.col(name).str.contains(NOT_UTF8, literal=True) for name in PAGE_KEY) | (code == "")
    most = pl.when(code.is_in(list(SHARED_CODES))).then(2).otherwise(1)
    repeated = report.top_pages.filter(report.top_pages.select(PAGE_KEY).is_duplicated())
    return repeated.filter((pl.len().over(PAGE_KEY) > most) & ~lawful)


def _negative(report: Report) -> pl.DataFrame:
    """Give counts below zero. Zero itself is a count that a dump may hold, and its page then ranks last."""
    of_domains = report.domains.filter(pl.any_horizontal(pl.col(pl.Int64) < 0)).select("domain_code", "views")
    return pl.concat([report.top_pages.filter(pl.col("views") < 0).select("domain_code", "views"), of_domains])


def _beyond_totals(report: Report) -> pl.DataFrame:
    """Compare each domain's entries with its totals: it cannot have more pages or views than were left to rank."""
    beyond = (pl.col("entries") > pl.col("left_pages")) | (pl.col("entry_views") > pl.col("left_views"))
    return _beside_totals(report, how="left").filter(beyond.fill_null(value=True))


def _lacking(report: Report) -> pl.DataFrame:
    """Give the domains with fewer entries than they have pages to rank, where unknown pages cannot explain it.

    How many of a domain's pages are unknown is not in its totals, so the gaps of all domains are held against the
    unknown pages of the whole dump.
    """
    to_rank = pl.min_horizontal("left_pages", pl.lit(report.provenance.top))
    compared = _beside_totals(report, how="right").with_columns(lacking=to_rank - pl.col("entries").fill_null(0))
    lacking = compared.filter(pl.col("lacking") > 0)
    return lacking if int(lacking.get_column("lacking").sum()) > report.provenance.unknown_rows else pl.DataFrame()


def _beside_totals(report: Report, how: str) -> pl.DataFrame:
    entries = report.top_pages.group_by("domain_code", maintain_order=True).agg(
        entries=pl.len().cast(pl.Int64), entry_views=pl.col("views").cast(pl.Int128).sum()
    )
    left = report.domains.select(
        "domain_code",
        left_pages=pl.col("pages") - pl.col("blacklisted_pages"),
        left_views=pl.col("views") - pl.col("blacklisted_views"),
    )
    return entries.join(left, on="domain_code", how=how, maintain_order="left_right")  # type: ignore[arg-type]


def _other_provenance(report: Report) -> pl.DataFrame:
    """Compare what the provenance tells of the hour and the frames with these. Sums are 128 bits wide."""
    hour, facts, domains, pages = report.hour, report.provenance, report.domains, report.top_pages
    found = {
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
    other = [(name, str(getattr(facts, name)), str(it)) for name, it in found.items() if getattr(facts, name) != it]
    return pl.DataFrame(other, schema=["fact", "provenance", "report"], orient="row")


def _of_no_pages(report: Report) -> pl.DataFrame:
    """Give the domains with no pages at all: a dump names a domain by its pages alone."""
    return report.domains.filter(pl.col("pages") == 0)


def _missing(report: Report) -> pl.DataFrame:
    domains = report.domains.filter(pl.any_horizontal(pl.all().is_null())).select("domain_code")
    pages = report.top_pages.filter(pl.any_horizontal(pl.all().is_null()) | (pl.col("page_title") == ""))
    return pl.concat([pages, domains], how="diagonal")


COLUMNS = Rule("its columns are those of a report", _other_columns)
REPORT_RULES = (
    COLUMNS,
    Rule("no value is missing", _missing),
    Rule("ranks run 1, 2, 3, ... in each domain", _ranks_have_gaps),
    Rule("ranks end at the top", lambda it: it.top_pages.filter(pl.col("rank") > it.provenance.top)),
    Rule("pages are sorted by domain, views and title", _pages_out_of_order),
    Rule("no page occurs twice", _repeated),
    Rule("no count is negative", _negative),
    Rule("domains are sorted, none of them twice", _domains_out_of_order),
    Rule("no domain is without pages", _of_no_pages),
    Rule("entries stay within their domain's totals", _beyond_totals),
    Rule("no domain lacks entries", _lacking),
    Rule("the provenance tells what is there", _other_provenance),
)
"""What holds of every report, whatever dump it is made of."""
