"""The names of settings."""

from __future__ import annotations

import pytest

from pvtop.core.setting_names import nearest, not_a_setting, unknown_variables, variable


def test_variable_of_a_setting_is_in_capitals() -> None:
    assert variable("cache_dir") == "PVTOP_CACHE_DIR"


def test_unknown_variables_are_those_that_are_set_and_are_not_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(unknown_variables(["top"]))
    for name, value in {"PVTOP_TOP": "1", "PVTOP_TPO": "1", "PVTOP_EMPTY": "", "XPVTOP_A": "1", "PVTOP_": "1"}.items():
        monkeypatch.setenv(name, value)
    assert set(unknown_variables(["top"])) - before == {"PVTOP_TPO", "PVTOP_"}


def test_nearest_is_a_name_that_is_like_it() -> None:
    assert nearest("tpo", ["source", "top"]) == "top"
    assert nearest("colour", ["source", "top"]) is None


def test_message_about_an_unknown_name_shows_no_secret_and_is_short() -> None:
    assert not_a_setting("tpo", ["top"]) == "tpo is not a setting, did you mean top?"
    assert not_a_setting("https://user:h0neyp0t@host/", ["top"]) == "https://host/ is not a setting"
    assert len(not_a_setting("x" * 10_000, ["top"])) < 400
