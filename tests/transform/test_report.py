"""The provenance of a report, to JSON and back."""

from __future__ import annotations

import json

import pytest

from pvtop.transform.report import Provenance
from support.reports import PROVENANCE


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
