"""Decide whether a report may be written: it meets every rule, and is not suspiciously small."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

import polars as pl

from pvtop.core.hour import Hour, hours_around
from pvtop.lake.lake import Lake, Salvaged
from pvtop.settings import Settings
from pvtop.transform.report import Provenance, Report
from pvtop.validation.rules import REPORT_RULES, Rule, none_blacklisted, raise_for_violations, violations_of

WIKIMEDIA_HOSTS = frozenset(["dumps.wikimedia.org", "dumps.wikimedia.your.org", "mirror.accum.se"])
MIN_DOMAINS = 500
MIN_VIEWS = 1_000_000
MIN_ENGLISH_VIEWS = 5_000
MAX_BLACKLISTED = 0.5  # share of the views; the public blacklist excludes some 5 %
HOURS_OF_DAY = 24
NEIGHBOURS = 2

log = logging.getLogger(__name__)


def accept(report: Report, blacklist: pl.DataFrame, lake: Lake, settings: Settings) -> None:
    """Check a new report against every rule, unless `no_validate` is set.

    Args:
        report: The report.
        blacklist: The excluded pages, as written and percent-decoded.
        lake: The lake that the report will be written to.
        settings: Uses `no_validate`, `expect_whole` and `min_share`.

    Raises:
        InvalidReportError: The report breaks a rule.
        OutputError: The lake cannot be read.
    """
    if settings.no_validate:
        return
    rules, facts = rules_for(report, blacklist, lake, settings), report.provenance
    violations = violations_of(report, rules)
    log.debug(
        "%s: checked %d rules, %d violated; %s domains, %s entries, %s pages with %s views, %s on the blacklist",
        report.hour,
        len(rules),
        len(violations),
        *(f"{count:,}" for count in (facts.domains, facts.entries, facts.rows, facts.views, facts.blacklisted_rows)),
    )
    hint = "the lake is unchanged; to write the report anyway, turn validation off"
    raise_for_violations({report.hour: violations}, hint, setting="no_validate")


def accept_replacement(report: Report, lake: Lake, settings: Settings) -> None:
    """Refuse to replace a report with a much smaller one, unless `force` is set.

    If the report in the lake is damaged or incomplete, only its readable part is compared. Call it while the hour is
    locked.

    Raises:
        InvalidReportError: The new report is much smaller.
        OutputError: The lake cannot be read.
    """
    if settings.force:
        return
    violations = violations_of(report, [not_much_smaller_than(lake.salvage(report.hour), settings.min_share)])
    hint = "the lake is unchanged; to replace the report anyway, use force"
    raise_for_violations({report.hour: violations}, hint, setting="force")


def rules_for(report: Report, blacklist: pl.DataFrame | None, lake: Lake, settings: Settings) -> list[Rule]:
    """Return the rules that a report must meet.

    Args:
        report: The report.
        blacklist: The excluded pages, as written and percent-decoded; None if they are not available.
        lake: The lake with the neighbouring hours.
        settings: Uses `expect_whole` and `min_share`.

    Raises:
        OutputError: The lake cannot be read.
    """
    rules = [*REPORT_RULES]
    if blacklist is not None:
        rules.append(none_blacklisted(blacklist))
    whole = expects_whole(report.provenance.source, expect_whole=settings.expect_whole)
    if whole:
        rules += WHOLE_DUMP_RULES
    if settings.expect_whole is not False:
        comparable = [other for other in neighbours(report.hour, lake) if whole or can_be_whole(other)]
        for other in comparable:
            log.debug("%s: compared with its neighbour %s, which has %s views", report.hour, other.stamp, other.views)
        rules += [not_below_neighbours(comparable, settings.min_share)] if comparable else []
    return rules


def expects_whole(address: str, *, expect_whole: bool | None) -> bool:
    """Return whether the dump at an address must be whole. By default, only dumps of Wikimedia and its mirrors."""
    if expect_whole is not None:
        return expect_whole
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and (parts.hostname or "").removesuffix(".") in WIKIMEDIA_HOSTS
    except ValueError:  # not a valid address
        return False


def can_be_whole(provenance: Provenance) -> bool:
    """Return whether a report has enough domains and views to be made from a whole dump."""
    return provenance.domains >= MIN_DOMAINS and provenance.views >= MIN_VIEWS


def neighbours(hour: Hour, lake: Lake) -> list[Provenance]:
    """Return the provenance of up to `NEIGHBOURS` hours in the lake: the nearest ones within a day of the hour.

    This lists the folder of each day in that range, and reads the metadata of at most `NEIGHBOURS` files.

    Raises:
        OutputError: The lake cannot be read.
    """
    others = set(lake.made_at(hours_around(hour, HOURS_OF_DAY))) - {hour}
    nearest = sorted(others, key=lambda other: (abs(other.stamp - hour.stamp), other))[:NEIGHBOURS]
    return [provenance for other in nearest if (provenance := lake.provenance(other))]


def not_below_neighbours(others: Sequence[Provenance], share: float) -> Rule:
    """Return the rule that an hour has at least a share of the views of its smallest neighbour.

    A share of one half leaves room for the differences between the hours of a day.
    """
    smallest = min(others, key=lambda other: other.views)

    def find(report: Report) -> pl.DataFrame:
        views = report.provenance.views
        row = {"views": [views], "neighbour": [smallest.stamp], "neighbour_views": [smallest.views]}
        return pl.DataFrame(row) if views < share * smallest.views else pl.DataFrame()

    return Rule(f"an hour has at least {share:.0%} of the views of its neighbours", find)


def not_much_smaller_than(salvaged: Salvaged, share: float) -> Rule:
    """Return the rule that a report has at least a share of each count of the report that it replaces.

    Counts the readable rows of the old report. Ignores ranks above the new `top`, because a smaller `top` is not a
    loss. Takes counts of unreadable files from the provenance.
    """

    def find(report: Report) -> pl.DataFrame:
        top, new = report.provenance.top, _total_counts(report.domains) | _rank_counts(report.top_pages)
        old = _provenance_counts(salvaged.provenance, top) if salvaged.provenance else {}
        if salvaged.domains is not None:
            old |= _total_counts(salvaged.domains)
        if salvaged.top_pages is not None:
            old |= _rank_counts(salvaged.top_pages.filter(pl.col("rank") <= top))
        rows = [(name, new[name], count) for name, count in old.items() if new[name] < share * count]
        return pl.DataFrame(rows, schema=["count", "new", "old"], orient="row")

    counted = "lines, views, domains and entries"
    return Rule(f"a report has at least {share:.0%} of the {counted} of the report it replaces", find)


def _provenance_counts(provenance: Provenance, top: int) -> dict[str, int]:
    """Return the counts in a provenance; without the entries if its `top` is larger, as some are beyond the new top."""
    counts = {"lines": provenance.rows, "views": provenance.views, "domains": provenance.domains}
    return counts | {"entries": provenance.entries} if provenance.top <= top else counts


def _total_counts(domains: pl.DataFrame) -> dict[str, int]:
    lines, views = (int(domains.get_column(name).cast(pl.Int128).sum()) for name in ("pages", "views"))
    return {"lines": lines, "views": views}


def _rank_counts(top_pages: pl.DataFrame) -> dict[str, int]:
    return {"domains": top_pages.get_column("domain_code").n_unique(), "entries": len(top_pages)}


def _few_domains(report: Report) -> pl.DataFrame:
    count, ranked = len(report.domains), report.provenance.domains
    row = {"in the dump": [count], "with entries": [ranked]}
    return pl.DataFrame(row) if min(count, ranked) < MIN_DOMAINS else pl.DataFrame()


def _few_views(report: Report) -> pl.DataFrame:
    views = report.provenance.views
    return pl.DataFrame({"views": [views]}) if views < MIN_VIEWS else pl.DataFrame()


def _many_blacklisted(report: Report) -> pl.DataFrame:
    views, blacklisted = report.provenance.views, report.provenance.blacklisted_views
    row = {"blacklisted": [blacklisted], "views": [views]}
    return pl.DataFrame(row) if blacklisted > MAX_BLACKLISTED * views else pl.DataFrame()


def _english_not_first(report: Report) -> pl.DataFrame:
    """Return the wikis with more views than `en`, or `en` if it has too few. Adds up desktop and mobile views."""
    wikis = report.domains.group_by(wiki=pl.col("domain_code").str.strip_suffix(".m")).agg(
        views=pl.col("views").cast(pl.Int128).sum()
    )
    english = int(wikis.filter(wiki="en").get_column("views").sum())
    larger = wikis.filter(pl.col("views") > max(english, MIN_ENGLISH_VIEWS)).sort("views", descending=True)
    return larger if len(larger) or english > MIN_ENGLISH_VIEWS else pl.DataFrame({"wiki": ["en"], "views": [english]})


WHOLE_DUMP_RULES = (
    Rule(f"a whole dump has at least {MIN_DOMAINS:,} domains", _few_domains),
    Rule(f"a whole dump has at least {MIN_VIEWS:,} views", _few_views),
    Rule(f"at most {MAX_BLACKLISTED:.0%} of the views of a whole dump are blacklisted", _many_blacklisted),
    Rule(
        f"in a whole dump, en and en.m together have the most views, and more than {MIN_ENGLISH_VIEWS:,}",
        _english_not_first,
    ),
)
"""The rules that only a whole dump meets.

Wikimedia's dumps have 1,500 to 1,850 domain codes in 4.5 to 6.5 million lines, each a page with at least one view. The
dumps of early 2015 have fewer, so the limits are well below these numbers.
"""
