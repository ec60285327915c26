"""Rules made from facts: the text of a report, its other file, Wikimedia's sums, its dump counted a second way."""

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
    """Make the rule that each domain's views are those of the projectviews; what breaks it is code, ours and theirs."""
    theirs = pl.DataFrame(
        {"domain_code": list(projectviews), "projectviews": list(projectviews.values())},
        schema={"domain_code": pl.String, "projectviews": pl.Int128},
    )

    def parting(report: Report) -> pl.DataFrame:
        ours = report.domains.select("domain_code", report="views")
        both = ours.join(theirs, on="domain_code", how="full", coalesce=True)
        return both.filter(pl.col("report").ne_missing(pl.col("projectviews"))).sort("domain_code")

    return Rule("each domain's views are those of the projectviews", parting)


def recount_matches(counted: Recount) -> Rule:
    """Make the rule that there are the domains that were found a second time, and that they hold what was counted."""

    def parting(report: Report) -> pl.DataFrame:
        there = set(report.domains.get_column("domain_code"))
        rows: list[tuple[str, str, str | None, str | None]] = [
            (code, "domain", "there" if code in there else None, "there" if code in counted.codes else None)
            for code in sorted(there ^ counted.codes)
        ]
        for code, domain in counted.domains.items():
            ours, theirs = _told(report, code), _counted(domain)
            parts = [what for what in ours | theirs if ours.get(what) != theirs.get(what)]
            rows += [(code, what, ours.get(what), theirs.get(what)) for what in parts]
        return pl.DataFrame(
            rows, schema=dict.fromkeys(["domain_code", "what", "report", "dump"], pl.String), orient="row"
        )

    return Rule("its domains hold what the dump does", parting)


def text_matches(text: str | None) -> Rule:
    """Make the rule that the text report tells what the frames hold; another version may have put it otherwise."""

    def parting(report: Report) -> pl.DataFrame:
        if text is None:
            return pl.DataFrame({"text": ["missing"]})
        if report.provenance.version != __version__:
            return pl.DataFrame()
        lines = zip_longest(render_text(report).split("\n"), text.split("\n"))
        rows = [(number, ours, theirs) for number, (ours, theirs) in enumerate(lines, 1) if ours != theirs]
        return pl.DataFrame(rows, schema={"line": pl.Int64, "report": pl.String, "text": pl.String}, orient="row")

    return Rule("its text report tells the same", parting)


def provenance_matches(told: Provenance | None) -> Rule:
    """Make the rule that the domains tell the same provenance as the top pages: they are of one report."""

    def parting(report: Report) -> pl.DataFrame:
        ours, theirs = asdict(report.provenance), asdict(told) if told else {}
        rows = [(fact, str(value), str(theirs.get(fact))) for fact, value in ours.items() if value != theirs.get(fact)]
        return pl.DataFrame(rows, schema=dict.fromkeys(["fact", "top_pages", "domains"], pl.String), orient="row")

    return Rule("its domains tell the same provenance", parting)


def _told(report: Report, code: str) -> dict[str, str]:
    """Say what a report holds of a domain, in the words of `_counted`."""
    totals = report.domains.filter(domain_code=code).drop("domain_code").to_dicts()
    entries = report.top_pages.filter(domain_code=code).select("rank", "views", "page_title").rows()
    told = {name: str(count) for domain in totals for name, count in domain.items()}
    return told | {f"rank {rank}": f"{views} {title}" for rank, views, title in entries}


def _counted(domain: DomainCount) -> dict[str, str]:
    names = ("pages", "views", "blacklisted_pages", "blacklisted_views")
    counted = {name: str(getattr(domain, name)) for name in names}
    return counted | {f"rank {rank}": f"{views} {title}" for rank, (views, title) in enumerate(domain.ranked, 1)}
