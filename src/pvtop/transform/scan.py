"""Turn frames that are made one after another into one lazy frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import polars as pl
from polars.io.plugins import register_io_source

Frames: TypeAlias = Callable[[Sequence[str]], Iterator[pl.DataFrame]]
"""What yields frames that have at least some wanted columns, which may be none at all."""


def scan_frames(frames: Frames, schema: pl.Schema) -> pl.LazyFrame:
    """Scan frames lazily. Filters and the choice of columns are applied to each frame as it comes.

    Args:
        frames: Called with the wanted columns each time the lazy frame is collected. It is not read to its end if fewer
            rows are wanted.
        schema: The columns.

    Returns:
        The rows of all frames, in their order. Collecting raises whatever `frames` raises.
    """

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, max_rows: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        remaining, names = max_rows, schema.names() if columns is None else columns
        filtered = [] if predicate is None else predicate.meta.root_names()
        for frame in frames(list(dict.fromkeys([*names, *filtered]))):
            chunk = frame if remaining is None else frame.head(remaining)
            remaining = None if remaining is None else remaining - len(chunk)
            chunk = chunk if predicate is None else chunk.filter(predicate)
            yield chunk.select(names)
            if remaining == 0:
                return

    return register_io_source(read, schema=schema)
