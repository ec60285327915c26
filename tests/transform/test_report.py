"""The provenance of a report, to JSON and back; how a report shows itself."""

from __future__ import annotations

import json
from string import ascii_lowercase

import pytest

from pvtop.core.hour import Hour
from pvtop.transform.ranked import SHOWN
from pvtop.transform.report import Provenance
from support.reports import PROVENANCE, make_report


def test_provenance_is_read_back_from_json() -> None:
    assert Provenance.from_json(PROVENANCE.to_json()) == PROVENANCE


def test_provenance_is_a_json_object_of_its_fields() -> None:
    facts = json.loads(PROVENANCE.to_json())
    assert facts["stamp"] == "2019-04-01T12:00:00Z"
    assert facts["dump_last_modified"] is None
    assert list(facts) == list(Provenance.__dataclass_fields__)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "5", "{}", "not json", b"\xff", '{"stamp": "2019-04-01T12:00:00Z"}']
)
def test_from_json_of_another_text_is_none(text: str | bytes) -> None:
    assert Provenance.from_json(text) is None


def test_from_json_with_unknown_fields_is_none() -> None:
    facts = json.loads(PROVENANCE.to_json()) | {"weather": "fair"}
    assert Provenance.from_json(json.dumps(facts)) is None


def test_report_shows_its_hour_and_its_size() -> None:
    assert repr(make_report()) == "<Report of 2019-04-01 12:00 UTC: 2 domains, 4 entries>"


def test_largest_domains_have_ranked_pages() -> None:
    assert make_report().largest_domains(5) == ["en", ""]
    assert make_report().largest_domains(1) == ["en"]


def test_notebook_shows_the_first_pages_of_the_largest_domains() -> None:
    codes = [f"x{letter}" for letter in ascii_lowercase[: SHOWN + 1]]
    pages = [(code, rank, f"Page {rank} of {code}", 1_000 - rank) for code in codes for rank in range(1, SHOWN + 2)]
    shown = make_report(pages, [(code, 9, 1_000 - place, 0, 0) for place, code in enumerate(codes)])._repr_html_()
    assert "2019-04-01 12:00 UTC, views from 11:00 to 12:00 UTC; 6 domains, 36 entries" in shown
    for code in codes:
        assert (f"{code}  {code}.wikipedia.org  desktop" in shown) == (code != codes[-1])
    for page in pages:
        assert (f">{page[2]}</a>" in shown) == (page[0] != codes[-1] and page[1] <= SHOWN)
    assert 'href="https://xa.wikipedia.org/wiki/Page%201%20of%20xa"' in shown
    assert ">999</td>" in shown


def test_notebook_shows_titles_and_codes_escaped() -> None:
    page = ('<b>"', 1, "<script>&\u202e", 5)
    shown = make_report([page], [('<b>"', 1, 5, 0, 0)])._repr_html_()
    assert "&lt;script&gt;&amp;\\u202e" in shown
    assert "&lt;b&gt;&quot;" in shown
    assert not any(raw in shown for raw in ("<script", "<b", "\u202e"))


def test_notebook_shows_the_known_issues_of_the_hour() -> None:
    shown = make_report(hour=Hour.parse("2021-07-01T12"))._repr_html_()
    assert "Note: 2 to 8 % of the views were lost (2021-06-04 to 2022-01-27)" in shown
    assert "Note" not in make_report()._repr_html_()
