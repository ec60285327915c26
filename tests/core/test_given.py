"""What was given for settings, and what is like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvtop.core.given import Given, Origin, collect, nearest, unknown_variables


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


def test_unknown_variables_are_those_that_are_set_and_are_not_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(unknown_variables(["top"]))
    for name, value in {"PVTOP_TOP": "1", "PVTOP_TPO": "1", "PVTOP_EMPTY": "", "XPVTOP_A": "1", "PVTOP_": "1"}.items():
        monkeypatch.setenv(name, value)
    assert set(unknown_variables(["top"])) - before == {"PVTOP_TPO", "PVTOP_"}


def test_nearest_is_a_name_that_is_like_it() -> None:
    assert nearest("tpo", ["source", "top"]) == "top"
    assert nearest("colour", ["source", "top"]) is None
