"""The ids of names."""

from __future__ import annotations

import polars as pl
import pytest

from pvtop.core.errors import MartError
from pvtop.mart.ids import by_id, distinct_names, name_id


@pytest.mark.parametrize(
    ("name", "expected"), [("", -1970711489451281740), ("en", -6256940911356125312), ("Main_Page", 5865119494177297534)]
)
def test_id_is_the_same_in_every_version(name: str, expected: int) -> None:
    assert name_id(name) == expected


def test_names_are_distinct_and_by_id() -> None:
    names = ["b", "a", "b", "A"]
    found = distinct_names(pl.Series("name", names), "id")
    assert found.columns == ["id", "name"]
    assert found.rows() == sorted((name_id(name), name) for name in set(names))


def test_two_names_with_one_id_are_refused() -> None:
    with pytest.raises(MartError, match="'a' and 'b' have the same id") as error:
        by_id(pl.Series("id", [1, 2, 1]), pl.Series("name", ["a", "c", "b"]))
    assert error.value.setting == "blacklist"
