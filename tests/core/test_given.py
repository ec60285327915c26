"""What was given for settings, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvtop.core.given import Given, Origin, collect


def test_given_value_says_where_it_was_given() -> None:
    assert str(Given(1, Origin.ARGUMENT)) == "given as an argument"
    assert str(Given(1, Origin.ENVIRONMENT, "PVTOP_TOP")) == "given as PVTOP_TOP"
    assert str(Given(1, Origin.FILE, "/a/pvtop.toml", 3)) == "given in /a/pvtop.toml, line 3"
    assert str(Given(1, Origin.FILE, "/a/pvtop.toml")) == "given in /a/pvtop.toml"


def test_collect_prefers_arguments_to_variables_to_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pvtop.toml").write_text("a = 1\nb = 1\nc = 1\nd = 1")
    (tmp_path / "own").mkdir()
    Path("own/pvtop.toml").write_text("d = 0\ne = 0")
    for name in "AB":
        monkeypatch.setenv(f"PVTOP_{name}", "2")
    monkeypatch.setenv("PVTOP_C", "")
    found = collect("abc", {"a": 3, "b": None}, tmp_path / "own")
    assert {name: given.value for name, given in found.items()} == {"a": 3, "b": "2", "c": 1, "d": 1, "e": 0}
