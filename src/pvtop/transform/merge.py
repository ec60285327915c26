"""Merge sorted runs of pages: code by code, and a large code in ranges of titles. So memory is bounded.

A run is a list of pages in order. Each dump of today is one run, and so is each day file. Only runs of a few million
rows are held at a time, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import polars as pl

from pvtop.core.prefetch import parallel

MERGED_ROWS = 100_000  # rows merged at a time: more take more memory and no less time
FIRST_MARK, LAST_MARK = 0x100, 0xD7FF  # code points that stand for the domains of a group: all have two or three bytes


class Segment(Protocol):
    """The pages of one domain in a run.

    Attributes:
        rows: The largest number of pages that it may have.
    """

    rows: int

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield `page_title` String, ascending in byte order without repeats, and other columns. No frame is empty."""


def merge(
    segments: Mapping[str, Sequence[Segment]],
    rows: int = MERGED_ROWS,
    finish: Callable[[pl.DataFrame], pl.DataFrame] = lambda merged: merged,
) -> Iterator[pl.DataFrame]:
    """Merge the segments of many runs. Threads sort some frames at once, while the caller's thread reads the segments.

    Args:
        segments: The segments of each domain, by domain code. All have the same columns.
        rows: Number of rows to merge at a time. A frame may have up to twice as many, and several are in work.
        finish: What else a thread does with each frame. The default is nothing.

    Yields:
        What `finish` returns for each frame: `domain_code` String and the columns of the segments, ascending by domain
        code and title in byte order. All rows of a page are in one frame, in the order of the segments.
    """
    return parallel(lambda part: finish(part.merge()), _parts(segments, rows))


def _parts(segments: Mapping[str, Sequence[Segment]], rows: int) -> Iterator[_Domains | _Titles]:
    """Yield what to merge, part by part."""
    for codes in _groups({code: sum(part.rows for part in segments[code]) for code in sorted(segments)}, rows):
        if len(codes) > 1:
            frames = [
                (number, frame) for number, code in enumerate(codes) for one in segments[code] for frame in one.frames()
            ]
            if frames:
                yield _Domains(codes, frames)
        else:
            for of_range in _ranges_of_titles(segments[codes[0]], rows):
                yield _Titles(codes[0], of_range)


def _groups(sizes: Mapping[str, int], rows: int) -> Iterator[list[str]]:
    """Group domains that follow each other, so that a group has at most `rows` rows or is one domain."""
    group: list[str] = []
    size = 0
    for code, count in sizes.items():
        if group and (size + count > rows or len(group) > LAST_MARK - FIRST_MARK):
            yield group
            group, size = [], 0
        group.append(code)
        size += count
    if group:
        yield group


class _Domains(NamedTuple):
    """Small domains to merge at once.

    Sorting by one string is three times as fast as by two. So each title gets one character before it that stands for
    its domain.

    Attributes:
        codes: The domain codes, ascending.
        frames: Their frames, each with the place of its code.
    """

    codes: Sequence[str]
    frames: Sequence[tuple[int, pl.DataFrame]]

    def merge(self) -> pl.DataFrame:
        """Return all rows in order."""
        frames = [frame for _, frame in self.frames]
        counts = pl.DataFrame(
            {"number": [number for number, _ in self.frames], "rows": [len(frame) for frame in frames]},
            schema={"number": pl.UInt32, "rows": pl.UInt32},
        )
        numbers = counts.select(pl.col("number").repeat_by("rows").explode(empty_as_null=False)).to_series()
        codes = pl.Series("domain_code", self.codes, pl.String).gather(numbers)
        marks = [chr(FIRST_MARK + number) for number in range(len(self.codes))]
        merged = pl.concat(frames).insert_column(0, codes)
        marked = pl.Series("mark", marks, pl.String).gather(numbers) + merged.get_column("page_title")
        return merged.with_columns(marked).sort("mark", maintain_order=True).drop("mark")


class _Titles(NamedTuple):
    """A range of titles of one domain.

    Attributes:
        code: The domain code.
        frames: All rows of the range.
    """

    code: str
    frames: Sequence[pl.DataFrame]

    def merge(self) -> pl.DataFrame:
        """Return all rows in order."""
        merged = pl.concat(self.frames).sort("page_title", maintain_order=True)
        return merged.select(pl.lit(self.code).alias("domain_code"), pl.all())


def _ranges_of_titles(segments: Sequence[Segment], rows: int) -> Iterator[list[pl.DataFrame]]:
    """Yield the frames of a domain in ranges of titles.

    Each range ends where the first segment has given its share of the rows. All titles up to there have been read.
    """
    streams = [_Stream(segment.frames(), max(1, rows // len(segments))) for segment in segments]
    while streams := [stream for stream in streams if stream.fill()]:
        border = min((title for stream in streams if (title := stream.border()) is not None), default=None)
        yield [part for stream in streams for part in stream.take(border)]


class _Stream:
    """The frames of a segment, as far as they are read and not yet taken.

    Args:
        frames: The frames.
        rows: Number of rows to take at a time.
    """

    def __init__(self, frames: Iterator[pl.DataFrame], rows: int) -> None:
        self._frames = frames
        self._rows = rows
        self._parts: list[pl.DataFrame] = []

    def fill(self) -> bool:
        """Read until there are more rows than are taken at a time, or no more frames. Return whether there are any."""
        held = sum(map(len, self._parts))
        while held <= self._rows and (frame := next(self._frames, None)) is not None:
            self._parts.append(frame)
            held += len(frame)
        return bool(self._parts)

    def border(self) -> str | None:
        """Return the title of the last row to take, None if all rows of the segment are read and may be taken."""
        before = 0
        for part in self._parts:
            if before + len(part) > self._rows:
                return str(part.get_column("page_title")[self._rows - before])
            before += len(part)
        return None

    def take(self, border: str | None) -> Iterator[pl.DataFrame]:
        """Yield and drop the rows up to a title, that included; all rows if it is None."""
        while self._parts:
            titles = self._parts[0].get_column("page_title")
            count = len(titles) if border is None else titles.search_sorted(border, side="right")
            yield self._parts[0].head(count)
            if count < len(titles):
                self._parts[0] = self._parts[0].slice(count)
                return
            del self._parts[0]
