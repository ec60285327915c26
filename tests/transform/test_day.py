"""The hours of a page are gathered into lists; the provenance of a day survives a round trip, and no damage."""

from __future__ import annotations

import json
from collections import defaultdict

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvtop.lake.day_writer import Totals
from pvtop.transform.day import DayProvenance, HoursOfPages
from pvtop.transform.schemas import DAY_PAGES, HOUR_ROWS
from support.days import DAY, day_pages, day_provenance

Row = tuple[str, str, int, int]

titles = st.sampled_from(["a", "b", "-", "\0", "é", "\ufffd", "\U0001d11e"])
hour_rows = st.tuples(st.sampled_from(["", "de", "en"]), titles, st.integers(0, 2**40), st.integers(0, 23))


def frame(rows: list[Row]) -> pl.DataFrame:
    """Return rows as a merge does: by page, then by hour."""
    ordered = sorted(rows, key=lambda row: (row[0].encode(), row[1].encode(), row[3]))
    return pl.DataFrame(ordered, schema=HOUR_ROWS, orient="row")


def provenance() -> DayProvenance:
    totals = Totals()
    totals.add(day_pages({("de", "Klima"): {0: 7, 23: 1}, ("en", "Climate"): {1: 2}}))
    return day_provenance(DAY, totals, missing=[3, 23])


@given(st.lists(hour_rows, min_size=1, max_size=40))
def test_gathered_pages_have_their_views_hour_by_hour(rows: list[Row]) -> None:
    views: dict[tuple[str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for code, title, count, hour in rows:
        views[code, title][hour] += count
    assert HoursOfPages(frame(rows)).gather().equals(day_pages(views))
    assert HoursOfPages(frame(rows)).gather().schema == DAY_PAGES


def test_repeated_in_hour_names_each_page_and_hour_that_occurs_again() -> None:
    rows = frame([("en", "a", 1, 3), ("en", "a", 2, 3), ("en", "a", 2, 4), ("en", "b", 1, 4), ("en.m", "b", 1, 4)])
    assert HoursOfPages(rows).repeated.rows() == [("en", "a", 3)]


def test_largest_sum_of_a_page_fits() -> None:
    rows = frame([("en", "a", 2**62, 3), ("en", "a", 2**62 - 1, 4), ("en", "b", 2**63 - 1, 3)])
    gathered = HoursOfPages(rows).gather()
    assert gathered.get_column("views").to_list() == [2**63 - 1, 2**63 - 1]


@pytest.mark.parametrize("hours", [(3, 3), (3, 4)])
def test_sum_beyond_64_bits_is_an_error(hours: tuple[int, int]) -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError):
        HoursOfPages(frame([("en", "a", 2**62, hour) for hour in hours])).gather()


def test_provenance_survives_a_round_trip() -> None:
    made = provenance()
    assert DayProvenance.from_json(made.to_json()) == made
    assert [hour.start.hour for hour in made.missing] == [3, 23]


DAMAGE: dict[str, list[object]] = {
    "day": ["garbage", "1999-01-01", "2024-02-30", 20241230, None],
    "start": [None],
    "dumps": [None, [None], [{}], "dumps"],
    "pages": ["2", 2.0, True, None],
    "views": [None],
    "domains": [None, [["de"]], [["de", "1"]], [[7, 1]], [["de", 0]], [["de", -1]], [["de", True]], [["de", 1, 1]]],
    "rules": [None],
    "version": [1],
    "another": ["field"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in DAMAGE.items() for value in values])
def test_damaged_provenance_is_none(name: str, value: object) -> None:
    fields = json.loads(provenance().to_json()) | {name: value}
    assert DayProvenance.from_json(json.dumps(fields)) is None


@pytest.mark.parametrize("name", json.loads(provenance().to_json()))
def test_provenance_without_a_field_is_none(name: str) -> None:
    fields = json.loads(provenance().to_json())
    del fields[name]
    assert DayProvenance.from_json(json.dumps(fields)) is None


DUMP_DAMAGE: dict[str, list[object]] = {
    "stamp": ["2024-12-30T02", "2024-12-31T02", "", None, []],
    "dump_last_modified": [0, False, 7],
    "rows": ["1", 1.0, None, True],
    "source": [None, 7],
    "another": ["field"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in DUMP_DAMAGE.items() for value in values])
def test_provenance_with_a_damaged_dump_is_none(name: str, value: object) -> None:
    fields = json.loads(provenance().to_json())
    fields["dumps"][0][name] = value
    assert DayProvenance.from_json(json.dumps(fields)) is None


@pytest.mark.parametrize("text", ["", "null", "[]", "7", "{}", "{", "[" * 100_000, b"\xff"])
def test_text_that_is_not_a_provenance_is_none(text: str | bytes) -> None:
    assert DayProvenance.from_json(text) is None
