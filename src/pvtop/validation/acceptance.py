"""What is expected of an hour beside the rules of every report: to be whole, and not much smaller than others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import polars as pl

from pvtop.core.address import is_http
from pvtop.core.hour import FIRST_STAMP, Hour, hour_range
from pvtop.lake.lake import Lake, Salvaged
from pvtop.settings import Settings
from pvtop.transform.report import Provenance, Report
from pvtop.validation.rules import REPORT_RULES, Rule, none_excluded, raise_for_violations, violations_of

WIKIMEDIA_HOSTS = frozenset(["dumps.wikimedia.org", "dumps.wikimedia.your.org", "mirror.accum.se"])
MIN_DOMAINS = 500
MIN_VIEWS = 1_000_000
MIN_ENGLISH_VIEWS = 5_000
MAX_BLACKLISTED = 0.5  # of the views; the public blacklist takes a twentieth or so
DAY = timedelta(days=1)
NEIGHBOURS = 2
NOT_COMPLETED = "the lake is as it was; --no-validate completes it nevertheless"
NOT_REPLACED = "the lake is as it was; --force replaces what it holds"


def accept(report: Report, blacklist: pl.DataFrame, lake: Lake, settings: Settings) -> None:
    """Hold a report that was just made to all that is expected of it, unless `no_validate` lets it pass.

    Args:
        report: The report.
        blacklist: The pages it was made without, in both spellings.
        lake: Where it will go.
        settings: Everything else.

    Raises:
        InvalidReportError: It is not to be completed.
        OutputError: The lake cannot be read.
    """
    validators = [] if settings.no_validate else validators_for(report, blacklist, lake, settings)
    raise_for_violations({report.hour: violations_of(report, validators)}, NOT_COMPLETED)


def accept_in_place(report: Report, lake: Lake, settings: Settings) -> None:
    """Hold a report to what it takes the place of, unless `force` lets it pass: that may not be much larger.

    Whatever is left of the hour counts, by what it is counted to be. To be asked while nobody else can write the hour.

    Raises:
        InvalidReportError: It is not to take that place.
        OutputError: The lake cannot be read.
    """
    validators = [] if settings.force else [not_much_smaller_than(lake.salvage(report.hour), settings.min_share)]
    raise_for_violations({report.hour: violations_of(report, validators)}, NOT_REPLACED)


def validators_for(report: Report, blacklist: pl.DataFrame | None, lake: Lake, settings: Settings) -> list[Rule]:
    """Choose all that a report is held to.

    Args:
        report: The report.
        blacklist: The pages it was made without, in both spellings; None where they are not at hand.
        lake: Where its neighbours are.
        settings: `expect_whole` and `min_share` count.

    Raises:
        OutputError: The lake cannot be read.
    """
    chosen = [*REPORT_RULES]
    if blacklist is not None:
        chosen.append(none_excluded(blacklist))
    whole = expects_whole(report.provenance.source, asked=settings.expect_whole)
    if whole:
        chosen += WHOLE_DUMP_RULES
    if settings.expect_whole is not False:
        near = [other for other in neighbours(report.hour, lake) if whole or can_be_whole(other)]
        chosen += [not_below_neighbours(near, settings.min_share)] if near else []
    return chosen


def expects_whole(address: str, *, asked: bool | None) -> bool:
    """Tell whether a dump is expected to be whole: as asked, or where it comes from Wikimedia's server or a mirror."""
    if asked is not None:
        return asked
    try:
        return is_http(address) and (urlsplit(address).hostname or "").removesuffix(".") in WIKIMEDIA_HOSTS
    except ValueError:  # an address that is none
        return False


def can_be_whole(made: Provenance) -> bool:
    """Tell whether a report has as many domains and views as the least of whole dumps."""
    return made.domains >= MIN_DOMAINS and made.views >= MIN_VIEWS


def neighbours(hour: Hour, lake: Lake) -> list[Provenance]:
    """Give where the nearest reports come from: `NEIGHBOURS` at most, within a day before or after.

    Takes a listing for each of the days, and reads the metadata of as many files.

    Raises:
        OutputError: The lake cannot be read.
    """
    around = hour_range(Hour(max(FIRST_STAMP, hour.stamp - DAY)), hour + 24)
    done = set(lake.completed(around)) - {hour}
    nearest = sorted(done, key=lambda other: (abs(other.stamp - hour.stamp), other))[:NEIGHBOURS]
    return [made for other in nearest if (made := lake.provenance(other))]


def not_below_neighbours(others: Sequence[Provenance], share: float) -> Rule:
    """Make the rule that an hour has at least a share of the views of the smallest of its neighbours.

    A share of a half leaves room for the course of a day.
    """
    smallest = min(others, key=lambda other: other.views)
    rule = f"it has at least {share:.0%} of the views of its neighbours"

    def fewer(report: Report) -> pl.DataFrame:
        views = report.provenance.views
        found = {"views": [views], "other": [smallest.stamp], "there": [smallest.views]}
        return pl.DataFrame(found) if views < share * smallest.views else pl.DataFrame()

    return Rule(rule, fewer)


def not_much_smaller_than(salvage: Salvaged, share: float) -> Rule:
    """Make the rule that a report takes the place of another only with at least a share of all that one holds.

    What is there is counted, and only down to the last rank that the new one has, as a shorter top is no loss. What
    cannot be counted any more is taken from the provenance, which may be that of another version.
    """
    rule = f"it has at least {share:.0%} of the lines, views, domains and entries of the report whose place it takes"

    def less(report: Report) -> pl.DataFrame:
        top, here = report.provenance.top, _totals(report.domains) | _ranked(report.top_pages)
        there = _told(salvage.provenance, top) if salvage.provenance else {}
        if salvage.domains is not None:
            there |= _totals(salvage.domains)
        if salvage.top_pages is not None:
            there |= _ranked(salvage.top_pages.filter(pl.col("rank") <= top))
        rows = [(what, here[what], count) for what, count in there.items() if here[what] < share * count]
        return pl.DataFrame(rows, schema=["count", "here", "there"], orient="row")

    return Rule(rule, less)


def _told(made: Provenance, top: int) -> dict[str, int]:
    """Give what a provenance tells of a report; not how many entries of a longer top are within this one."""
    told = {"lines": made.rows, "views": made.views, "domains": made.domains}
    return told | {"entries": made.entries} if made.top <= top else told


def _totals(domains: pl.DataFrame) -> dict[str, int]:
    lines, views = (int(domains.get_column(name).cast(pl.Int128).sum()) for name in ("pages", "views"))
    return {"lines": lines, "views": views}


def _ranked(top_pages: pl.DataFrame) -> dict[str, int]:
    return {"domains": top_pages.get_column("domain_code").n_unique(), "entries": len(top_pages)}


def _few_domains(report: Report) -> pl.DataFrame:
    count, ranked = len(report.domains), report.provenance.domains
    found = {"in the dump": [count], "with entries": [ranked]}
    return pl.DataFrame(found) if min(count, ranked) < MIN_DOMAINS else pl.DataFrame()


def _few_views(report: Report) -> pl.DataFrame:
    views = report.provenance.views
    return pl.DataFrame({"views": [views]}) if views < MIN_VIEWS else pl.DataFrame()


def _many_blacklisted(report: Report) -> pl.DataFrame:
    views, blacklisted = report.provenance.views, report.provenance.blacklisted_views
    found = {"blacklisted": [blacklisted], "views": [views]}
    return pl.DataFrame(found) if blacklisted > MAX_BLACKLISTED * views else pl.DataFrame()


def _english_is_not_first(report: Report) -> pl.DataFrame:
    """Give the wikis with more views than `en`, or `en` where it has too few; desktop and mobile count together."""
    wikis = report.domains.group_by(wiki=pl.col("domain_code").str.strip_suffix(".m")).agg(
        views=pl.col("views").cast(pl.Int128).sum()
    )
    english = int(wikis.filter(wiki="en").get_column("views").sum())
    larger = wikis.filter(pl.col("views") > max(english, MIN_ENGLISH_VIEWS)).sort("views", descending=True)
    return larger if len(larger) or english > MIN_ENGLISH_VIEWS else pl.DataFrame({"wiki": ["en"], "views": [english]})


WHOLE_DUMP_RULES = (
    Rule(f"a whole dump has at least {MIN_DOMAINS:,} domains", _few_domains),
    Rule(f"a whole dump has at least {MIN_VIEWS:,} views", _few_views),
    Rule(f"of a whole dump no more than {MAX_BLACKLISTED:.0%} of the views are blacklisted", _many_blacklisted),
    Rule(f"in a whole dump en and en.m have the most views, above {MIN_ENGLISH_VIEWS:,}", _english_is_not_first),
)
"""What only a whole dump can meet.

Wikimedia's dumps have 1,500 to 1,850 domain codes in 4.5 to 6.5 million lines, each a page with one view or more. Those
of early 2015 have fewer, so the bounds are well below.
"""
