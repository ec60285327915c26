"""Rollups in the lake: written, and read back from bytes that may be damaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from pvtop.core.errors import OutputError
from pvtop.core.hour import Hour
from pvtop.core.period import Period, PeriodKind
from pvtop.lake import parquet
from pvtop.lake.layout import ROLLUP_ROOTS, parse_rollup_path, rollup_domains_path, rollup_top_pages_path
from pvtop.lake.replacing import replace_files
from pvtop.storage.filesystem import FileSystem
from pvtop.transform.rollup import Rollup, RollupProvenance
from pvtop.transform.schemas import DOMAINS, MERGED_DOMAINS, MERGED_TOP_PAGES, TOP_PAGES


def write_rollup(filesystem: FileSystem, rollup: Rollup, check: Callable[[Sequence[Hour]], object]) -> None:
    """Write a rollup: the domain totals, and then the ranked pages, which mark it as complete.

    Args:
        filesystem: The lake.
        rollup: The rollup.
        check: Called right before any file is changed, with the hours that would be lost; see `replace_files`.

    Raises:
        OutputError: The lake cannot be written.
    """
    files = {
        rollup_domains_path(rollup.period, merged=rollup.merged): rollup.domains,
        rollup_top_pages_path(rollup.period, merged=rollup.merged): rollup.top_pages,
    }
    content = {path: parquet.write_parquet(frame, rollup.provenance) for path, frame in files.items()}
    replace_files(filesystem, content, lambda: check(_lost_hours(filesystem, rollup)))


def _lost_hours(filesystem: FileSystem, rollup: Rollup) -> list[Hour]:
    """Return the hours that would be lost: a new rollup lacks them, and the one in the lake has them.

    A rollup that cannot be read may have any hour.
    """
    content = filesystem.content(rollup_top_pages_path(rollup.period, merged=rollup.merged))
    if content is None:
        return []
    made = _provenance(content, rollup.period, merged=rollup.merged)
    return sorted({*rollup.provenance.missing} - {*(made.missing if made else [])})


def read_rollup(filesystem: FileSystem, period: Period, *, merged: bool) -> Rollup | None:
    """Read a rollup. Return None if it is not in the lake.

    Raises:
        OutputError: The lake cannot be read, a file is missing or damaged, or another version wrote the rollup.
    """
    path = rollup_top_pages_path(period, merged=merged)
    content = filesystem.content(path)
    if content is None:
        return None
    provenance = _provenance(content, period, merged=merged)
    if provenance is None:
        raise _unreadable(filesystem, path, "it was made by another version of pvtop, or is damaged")
    top_pages = _frame(filesystem, path, content, MERGED_TOP_PAGES if merged else TOP_PAGES)
    path = rollup_domains_path(period, merged=merged)
    content = filesystem.content(path)
    if content is not None and _provenance(content, period, merged=merged) != provenance:
        raise _unreadable(filesystem, path, "it is not from the same rollup as the ranked pages, or is damaged")
    domains = _frame(filesystem, path, content, MERGED_DOMAINS if merged else DOMAINS)
    return Rollup(period, top_pages, domains, provenance)


def find_rollups(filesystem: FileSystem) -> list[tuple[Period, bool]]:
    """Return the period of each rollup, and whether it merges access: the plain ones first, then by period.

    Raises:
        OutputError: The lake cannot be read.
    """
    found = [
        parse_rollup_path(path)
        for root in ROLLUP_ROOTS
        for kind in PeriodKind
        for path in filesystem.find(f"{root}/{kind}/top_pages")
    ]
    return sorted(filter(None, found), key=lambda one: (one[1], one[0].first, one[0].last))


def read_rollup_provenance(filesystem: FileSystem, period: Period, *, merged: bool) -> RollupProvenance | None:
    """Return the provenance of a rollup. Return None if the rollup or its domain totals are missing or damaged.

    Raises:
        OutputError: The lake cannot be read.
    """
    contents = [
        filesystem.content(path(period, merged=merged)) for path in (rollup_top_pages_path, rollup_domains_path)
    ]
    found = [None if content is None else _provenance(content, period, merged=merged) for content in contents]
    return found[0] if found[0] == found[1] else None


def _provenance(content: bytes, period: Period, *, merged: bool) -> RollupProvenance | None:
    """Return the provenance in a file. Return None if it is damaged, or that of another rollup."""
    found = parquet.read_rollup_provenance(content)
    return found if found and (found.period, found.merged) == (period, merged) else None


def _frame(filesystem: FileSystem, path: str, content: bytes | None, schema: pl.Schema) -> pl.DataFrame:
    if content is None:
        raise _unreadable(filesystem, path, "it is missing")
    try:
        return parquet.read_frame(content, schema)
    except ValueError as error:
        raise _unreadable(filesystem, path, str(error)) from error


def _unreadable(filesystem: FileSystem, path: str, reason: str) -> OutputError:
    return OutputError(
        f"cannot read {filesystem.path(path)}: {reason}",
        "make the rollup again",
        setting="force",
        remedy="remake_rollup",
    )
