"""A line of blocks that shows how a number changes over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = " "


def sparkline(values: Sequence[int | None], width: int, blocks: str = BLOCKS) -> str:
    """Return numbers as blocks from none to the most.

    Args:
        values: The numbers. None is a gap.
        width: The most columns to use. If there are more numbers, each block is the mean of neighbours.
        blocks: A character for each height, the lowest first.
    """
    means = [_mean(part) for part in _parts(values, width)]
    most = max((mean for mean in means if mean is not None), default=0)
    return "".join(_block(mean, most, blocks) for mean in means)


def _parts(values: Sequence[int | None], width: int) -> list[Sequence[int | None]]:
    """Cut numbers into at most `width` parts that differ in length by one at most."""
    parts = min(max(width, 1), len(values))
    borders = [len(values) * number // max(parts, 1) for number in range(parts + 1)]
    return [values[start:end] for start, end in pairwise(borders)]


def _mean(values: Sequence[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _block(value: float | None, most: float, blocks: str) -> str:
    """Return the block of a number: the lowest one only if it is 0."""
    if value is None:
        return GAP
    highest = len(blocks) - 1
    return blocks[min(ceil(value / most * highest), highest) if value else 0]
