"""The queries and the Python of docs/mart.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pvtop.core.hour import hour_range
from pvtop.lake.lake import Lake
from pvtop.mart.mart import Mart
from pvtop.mart.parts import HourPart
from support.marts import FIRST, assert_equal, write_lake
from support.pages import DOCS

PAGE = (DOCS / "mart.md").read_text()
QUERIES = re.findall(r"^```sql\n(.*?);\n```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def filled(mart: Mart, tmp_path: Path) -> Mart:
    """Return a mart with some hours of July and August."""
    mart.load(write_lake(tmp_path / "lake", hour_range(FIRST, FIRST + 7)))
    return mart


def test_queries_answer_what_they_say(filled: Mart) -> None:
    queries = [sql.replace("Main_Page", "Page_1") for sql in QUERIES if sql.startswith("SELECT")]
    of_month, history, by_share, newcomers = map(filled.query, queries)
    august = filled.query(
        "SELECT page_name, num_views FROM top_pages WHERE domain_name = 'en' AND datehour > '2024-08-01 00:00:00'"
    )
    views: dict[str, int] = {}
    for page, count in august.iter_rows():
        views[page] = views.get(page, 0) + count
    assert of_month.select("page_name", "views").rows() == sorted(views.items(), key=lambda row: (-row[1], row[0]))[:10]
    assert history.get_column("hour_start").is_sorted()
    assert len(history)
    assert sum(map(float, by_share.get_column("percent"))) == pytest.approx(100)
    newest = (FIRST + 7).start.replace(tzinfo=None)
    assert set(newcomers.get_column("first_time")) <= {newest}


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_removed_month_can_be_loaded_again(filled: Mart, tmp_path: Path) -> None:
    (removal,) = (sql for sql in QUERIES if sql.startswith("BEGIN"))
    lake, hours = Lake(str(tmp_path / "lake")), hour_range(FIRST, FIRST + 7)
    of_july = [hour for hour in hours if hour.stamp.month == FIRST.stamp.month]
    with filled.loader(lake) as loader:
        loader.load(HourPart(of_july[0]))
        with filled._database.session() as session, session.transaction():  # noqa: SLF001 - as an administrator does
            for statement in removal.removeprefix("BEGIN;").removesuffix("COMMIT").split(";"):
                session.run(statement)
        assert_equal(filled, lake, hours[len(of_july) :])
        loader.load(HourPart(of_july[0]))
    assert_equal(filled, lake, [of_july[0], *hours[len(of_july) :]])
