"""Lines of blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvtop.core.sparkline import BLOCKS, GAP, sparkline


@pytest.mark.parametrize(
    ("values", "width", "line"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 80, "▁▂▃▄▅▆▇█"),
        ([None, 0, 7, None, 7], 80, " ▁█ █"),
        ([0, 0], 80, "▁▁"),
        ([1, 10**18], 80, "▂█"),
        ([None, None], 80, "  "),
        ([], 80, ""),
        ([4, 10, None, 7, None, None], 3, "██ "),
        ([1, 2, 3], 0, "█"),
    ],
)
def test_sparkline_draws_the_share_of_the_most(values: list[int | None], width: int, line: str) -> None:
    assert sparkline(values, width) == line


@given(st.lists(st.none() | st.integers(0, 2**63 - 1), max_size=200), st.integers(1, 100))
def test_sparkline_fits_and_has_a_block_for_each_number(values: list[int | None], width: int) -> None:
    line = sparkline(values, width)
    assert len(line) == min(len(values), width)
    assert set(line) <= {GAP, *BLOCKS}
    if len(values) <= width:
        assert [block == GAP for block in line] == [value is None for value in values]
        assert [block == BLOCKS[0] for block in line] == [value == 0 for value in values]
    if any(values):
        assert BLOCKS[-1] in line


def test_other_blocks_are_used_if_the_terminal_lacks_them() -> None:
    assert sparkline([0, None, 4, 7], 80, "_.:-=+*#") == "_ =#"
