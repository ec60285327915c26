"""The queries and the Python of docs/mart.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pvtop.core.hour import hour_range
from pvtop.mart.mart import Mart
from support.marts import FIRST, write_lake
from support.pages import DOCS

PAGE = (DOCS / "mart.md").read_text()
QUERIES = re.findall(r"^```sql\n(.*?);\n```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def filled(mart: Mart, tmp_path: Path) -> Mart:
    """Return a mart with some hours of July and August."""
    mart.load(write_lake(tmp_path / "lake", hour_range(FIRST, FIRST + 7)))
    return mart


def test_queries_answer_what_they_say(filled: Mart) -> None:
    of_month, history, by_share, newcomers = (filled.query(sql.replace("Main_Page", "Page_1")) for sql in QUERIES)
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
