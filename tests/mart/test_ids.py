"""The ids of names."""

from __future__ import annotations

import polars as pl
import pytest

from pvtop.core.errors import MartError
from pvtop.mart.ids import by_id, name_id, with_ids


@pytest.mark.parametrize(
    ("name", "expected"), [("", -1970711489451281740), ("en", -6256940911356125312), ("Main_Page", 5865119494177297534)]
)
def test_id_is_the_same_in_every_version(name: str, expected: int) -> None:
    assert name_id(name) == expected


@pytest.mark.parametrize("known", [None, [], ["b", "z"], ["b", "a", "A"]])
def test_names_get_their_ids_and_are_distinct_by_id(known: list[str] | None) -> None:
    names = pl.Series("name", ["b", "a", "b", "A"])
    earlier = known if known is None else with_ids(pl.Series("name", known, pl.String), "id")[1]
    ids, distinct = with_ids(names, "id", earlier)
    assert (ids.name, ids.to_list()) == ("id", [name_id(name) for name in names])
    assert distinct.columns == ["id", "name"]
    assert distinct.rows() == sorted((name_id(name), name) for name in set(names))


def test_two_names_with_one_id_are_refused() -> None:
    with pytest.raises(MartError, match="'a' and 'b' have the same id") as error:
        by_id(pl.Series("id", [1, 2, 1]), pl.Series("name", ["a", "c", "b"]))
    assert error.value.setting == "blacklist"
