"""Rules that compare a report with something else: its text, its domain totals, the projectviews, a recount."""

from __future__ import annotations

from dataclasses import asdict
from itertools import zip_longest

import polars as pl

from pvtop._version import __version__
from pvtop.render.text import render_text
from pvtop.transform.report import Provenance, Report
from pvtop.validation.recount import DomainCount, Recount
from pvtop.validation.rules import Rule


def projectviews_match(projectviews: dict[str, int]) -> Rule:
    """Return the rule that the views of each domain match Wikimedia's own sums.

    Args:
        projectviews: The views of each domain code.
    """
    theirs = pl.DataFrame(
        {"domain_code": list(projectviews), "projectviews": list(projectviews.values())},
        schema={"domain_code": pl.String, "projectviews": pl.Int128},
    )

    def find(report: Report) -> pl.DataFrame:
        ours = report.domains.select("domain_code", report="views")
        both = ours.join(theirs, on="domain_code", how="full", coalesce=True)
        return both.filter(pl.col("report").ne_missing(pl.col("projectviews"))).sort("domain_code")

    return Rule("the views of each domain match the projectviews", find)


def recount_matches(counted: Recount) -> Rule:
    """Return the rule that the report has exactly the dump's domains, and that the recounted counts agree."""

    def find(report: Report) -> pl.DataFrame:
        codes = set(report.domains.get_column("domain_code"))
        rows: list[tuple[str, str, str | None, str | None]] = [
            (code, "domain", "present" if code in codes else None, "present" if code in counted.codes else None)
            for code in sorted(codes ^ counted.codes)
        ]
        for code, domain in counted.domains.items():
            ours, theirs = _describe_reported(report, code), _describe_counted(domain)
            different = [what for what in ours | theirs if ours.get(what) != theirs.get(what)]
            rows += [(code, what, ours.get(what), theirs.get(what)) for what in different]
        return pl.DataFrame(
            rows, schema=dict.fromkeys(["domain_code", "what", "report", "dump"], pl.String), orient="row"
        )

    return Rule("the domains match a recount of the dump", find)


def text_matches(text: str | None) -> Rule:
    """Return the rule that the text report matches the frames.

    The text of a report of another version is not compared: that version may word it differently.
    """

    def find(report: Report) -> pl.DataFrame:
        if text is None:
            return pl.DataFrame({"text": ["missing"]})
        if report.provenance.version != __version__:
            return pl.DataFrame()
        lines = zip_longest(render_text(report).split("\n"), text.split("\n"))
        rows = [(number, ours, theirs) for number, (ours, theirs) in enumerate(lines, 1) if ours != theirs]
        return pl.DataFrame(rows, schema={"line": pl.Int64, "report": pl.String, "text": pl.String}, orient="row")

    return Rule("the text report matches the frames", find)


def provenance_matches(of_domains: Provenance | None) -> Rule:
    """Return the rule that the domain totals have the provenance of the ranked pages: both belong to one report."""

    def find(report: Report) -> pl.DataFrame:
        ours, theirs = asdict(report.provenance), asdict(of_domains) if of_domains else {}
        rows = [(fact, str(value), str(theirs.get(fact))) for fact, value in ours.items() if value != theirs.get(fact)]
        return pl.DataFrame(rows, schema=dict.fromkeys(["fact", "top_pages", "domains"], pl.String), orient="row")

    return Rule("the domain totals have the provenance of the ranked pages", find)


def _describe_reported(report: Report, code: str) -> dict[str, str]:
    """Return the counts and entries of a domain in a report, in the form of `_describe_counted`."""
    totals = report.domains.filter(domain_code=code).drop("domain_code").to_dicts()
    entries = report.top_pages.filter(domain_code=code).select("rank", "views", "page_title").rows()
    counts = {name: str(count) for domain in totals for name, count in domain.items()}
    return counts | {f"rank {rank}": f"{views} {title}" for rank, views, title in entries}


def _describe_counted(domain: DomainCount) -> dict[str, str]:
    """Return the counts and entries of a recounted domain, such as `pages: "5"` and `rank 1: "382051 Main_Page"`."""
    names = ("pages", "views", "blacklisted_pages", "blacklisted_views")
    counts = {name: str(getattr(domain, name)) for name in names}
    return counts | {f"rank {rank}": f"{views} {title}" for rank, (views, title) in enumerate(domain.ranked, 1)}
