"""Numbers of things and shares, as text."""

from __future__ import annotations

import pytest

from pvtop.core.counted import counted, percent


@pytest.mark.parametrize(("count", "text"), [(0, "0 dumps"), (1, "1 dump"), (2, "2 dumps"), (1_024, "1,024 dumps")])
def test_only_one_thing_is_singular(count: int, text: str) -> None:
    assert counted(count, "dump") == text


def test_plural_that_does_not_end_with_an_s_alone() -> None:
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(0, "entry", "entries") == "0 entries"


@pytest.mark.parametrize(("share", "text"), [(0.444, "44 %"), (1, "100 %"), (0, "0 %"), (None, "-")])
def test_share_is_a_percentage_or_unknown(share: float | None, text: str) -> None:
    assert percent(share) == text
