"""Numbers of things, as text."""

from __future__ import annotations

import pytest

from pvtop.core.counted import counted


@pytest.mark.parametrize(("count", "text"), [(0, "0 dumps"), (1, "1 dump"), (2, "2 dumps"), (1_024, "1,024 dumps")])
def test_only_one_thing_is_singular(count: int, text: str) -> None:
    assert counted(count, "dump") == text


def test_plural_that_does_not_end_with_an_s_alone() -> None:
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(0, "entry", "entries") == "0 entries"
