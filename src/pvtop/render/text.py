"""The text report."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pvtop.core.domain import Domain
from pvtop.core.escape import UNSAFE, printable
from pvtop.core.known_issues import known_issues
from pvtop.transform.report import Report


def render_text(report: Report) -> str:
    """Write the report to read."""
    head = pl.Series(list(_head(report)), dtype=pl.String)
    return str(pl.concat([head, _entries(report)]).str.join("\n").item()) + "\n"


def _head(report: Report) -> Iterator[str]:
    facts = report.provenance
    yield f"Top {facts.top} pages per domain"
    yield f"Dump {report.hour}, views from {report.hour.start:%H:%M} to {report.hour.stamp:%H:%M} UTC"
    yield (
        f"{facts.domains:,} domains, {facts.entries:,} entries; "
        f"{facts.rows:,} pages with {facts.views:,} views read; "
        f"{facts.blacklisted_rows:,} pages on the blacklist, {facts.unknown_rows:,} unknown, "
        f"{facts.malformed:,} malformed lines"
    )
    for incident in known_issues([report.hour]):
        yield f"Note: {incident}"


def _entries(report: Report) -> pl.Series:
    """Give a line for each entry, that of a domain's first with the lines above it; of columns, not row by row."""
    codes, ranks, titles, views = report.top_pages.get_columns()
    first = codes.ne_missing(codes.shift())
    headings = [f"\n{printable(Domain.of(code).heading)}\n" for code in codes.filter(first)]
    above = pl.repeat("", len(codes), dtype=pl.String, eager=True).scatter(first.arg_true(), headings)
    counts = views.unique()
    shown = views.replace_strict(counts, [f" {count:>11,}  " for count in counts])
    shown = shown.cast(pl.String)  # which it is already, but where there are none
    acting = titles.str.contains(UNSAFE).arg_true()
    titles = titles.scatter(acting, [printable(title) for title in titles.gather(acting)])
    return above + ranks.cast(pl.String).str.pad_start(4) + shown + titles
