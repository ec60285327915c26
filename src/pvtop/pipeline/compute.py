"""Compute a report from a dump and a blacklist."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import polars as pl

from pvtop._version import __version__
from pvtop.core.counted import counted
from pvtop.core.errors import CorruptError, MalformedError
from pvtop.core.hour import Hour
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist
from pvtop.sources.dumps import reading, scan_rows
from pvtop.sources.facts import FileFacts, LocalFile
from pvtop.transform import ranking
from pvtop.transform.dump import OnRows, ignore_rows
from pvtop.transform.reduce import reduce_chunks
from pvtop.transform.report import RULES_VERSION, Provenance, Report
from pvtop.transform.schemas import DOMAINS
from pvtop.transform.titles import decode_code, decode_title

WHOLE_DUMP_ROWS = 1_000_000  # lines; at least one page of so many should be on any blacklist for these dumps

log = logging.getLogger(__name__)


def compute_report(
    hour: Hour,
    dump: LocalFile,
    blacklist: Blacklist,
    settings: Settings,
    on_rows: OnRows = ignore_rows,
) -> Report:
    """Compute the report of an hour, in one streaming pass over the dump.

    Args:
        hour: The hour.
        dump: Its dump.
        blacklist: The pages to exclude.
        settings: Everything else.
        on_rows: Called with all rows of each block, in the columns of `transform.dump.scan_blocks`.

    Raises:
        CorruptError: The dump is truncated, corrupt or empty, or the views of a domain do not fit into 64 bits.
        SourceError: The dump is too large, or has a line that is too long.
        MalformedError: The share of malformed lines is above the limit of the settings.
    """
    address = dump.facts.address
    with reading(dump):
        rows = scan_rows(dump.path, address, settings.max_inflated, on_rows)
        reduced = reduce_chunks(rows, blacklist.as_in_dumps.lazy(), settings.top)
    code = decode_code(pl.col("domain_code"))
    malformed = reduced.malformed
    lines = malformed + int(reduced.totals.get_column("pages").sum())
    check_malformed(malformed, lines, reduced.samples, dump.facts, settings.malformed_limit)
    blacklisted, keep_unknown = blacklist.as_in_dumps.lazy(), settings.keep_unknown
    pages = ranking.anti_join(reduced.pages.lazy().with_columns(code), blacklisted, keep_unknown=keep_unknown)
    ranked = pages.ranked.with_columns(decode_title(pl.col("page_title")))
    frames = [ranking.total(reduced.totals.lazy().with_columns(code), pages), ranking.rank(ranked, settings.top)]
    try:
        totals, top_pages = pl.collect_all(frames, engine="in-memory")  # a reduced dump is small
    except pl.exceptions.InvalidOperationError as error:
        raise CorruptError(f"{address} is corrupt: a domain's views do not fit into 64 bits") from error
    inputs = _inputs(hour, dump.facts, blacklist, settings)
    provenance = Provenance(**inputs, **_counts(totals, top_pages), malformed=malformed)
    if provenance.rows >= WHOLE_DUMP_ROWS and len(blacklist.pages) and not provenance.blacklisted_rows:
        log.warning(
            "the blacklist %s excludes no page of %s; check that you chose the right file", blacklist.address, address
        )
    return Report(hour, top_pages, totals.select(DOMAINS.names()), provenance)


def check_malformed(malformed: int, lines: int, samples: Sequence[str], dump: FileFacts, limit: float) -> None:
    """Check the share of malformed lines in a dump. Log the first few, unless they come from another server.

    Args:
        malformed: The number of malformed lines.
        lines: The number of all lines.
        samples: The first few malformed lines.
        dump: The facts of the dump.
        limit: The largest share that is accepted.

    Raises:
        CorruptError: The dump has no lines.
        MalformedError: The share is above the limit.
    """
    samples = [] if dump.redirected else samples
    if not lines:
        raise CorruptError(
            f"{dump.address} contains no lines", "an hour has millions; if the file is still being copied, wait"
        )
    if malformed:
        log.warning("%s has %s%s", dump.address, counted(malformed, "malformed line"), _such_as(samples))
    if malformed > limit * lines:
        raise MalformedError(
            f"{malformed:,} of {counted(lines, 'line')} of {dump.address} are malformed{_such_as(samples[:1])}",
            f"the limit is {limit:.2%}; raise it to accept this dump",
            setting="malformed_limit",
        )


def _such_as(samples: Sequence[str]) -> str:
    """Return the end of a message with some malformed lines, empty if there are none to quote."""
    return f", such as {', '.join(repr(line[:80]) for line in samples)}" if samples else ""


def _inputs(hour: Hour, dump: FileFacts, blacklist: Blacklist, settings: Settings) -> dict[str, Any]:
    """Return the part of the provenance that describes the inputs."""
    return {
        "stamp": f"{hour.stamp:%Y-%m-%dT%H:%M:%SZ}",
        "start": f"{hour.start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{hour.stamp:%Y-%m-%dT%H:%M:%SZ}",
        "source": dump.address,
        "dump_bytes": dump.bytes,
        "dump_sha256": dump.sha256,
        "dump_etag": dump.etag,
        "dump_last_modified": dump.last_modified,
        "top": settings.top,
        "keep_unknown": settings.keep_unknown,
        "blacklist": blacklist.address,
        "blacklist_sha256": blacklist.sha256,
        "rules": RULES_VERSION,
        "version": __version__,
    }


def _counts(totals: pl.DataFrame, top_pages: pl.DataFrame) -> dict[str, Any]:
    """Return the part of the provenance that is counted."""
    sums = {name: ranking.wide_sum(totals.get_column(name)) for name in ranking.COUNTS}
    return {
        "rows": sums["pages"],
        "views": sums["views"],
        "unknown_rows": sums["unknown_pages"],
        "unknown_views": sums["unknown_views"],
        "blacklisted_rows": sums["blacklisted_pages"],
        "blacklisted_views": sums["blacklisted_views"],
        "domains": top_pages.get_column("domain_code").n_unique(),
        "entries": len(top_pages),
        "entry_views": ranking.wide_sum(top_pages.get_column("views")),
    }
