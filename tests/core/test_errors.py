"""The tree of errors."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Iterator
from copy import copy
from typing import TypeVar

import pytest

from pvtop.core import errors
from pvtop.core.errors import PvtopError, UnreachableError, UsageError, is_transient


def tree(root: type[PvtopError] = PvtopError) -> Iterator[type[PvtopError]]:
    """Give a class and all below it in the module, root first."""
    yield root
    for below in root.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from tree(below)


KINDS = list(tree())
E = TypeVar("E", bound=PvtopError)
EXIT_CODES = {
    "HoursFailedError": 4,
    "UsageError": 2,
    "NotPublishedError": 3,
    "NotInLakeError": 3,
    "MalformedError": 5,
    "InvalidReportError": 5,
}


def pickled(error: E) -> E:
    """Pickle an error and load it again."""
    again: E = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    return again


@pytest.mark.parametrize("kind", KINDS)
def test_exit_codes(kind: type[PvtopError]) -> None:
    assert kind.exit_code == EXIT_CODES.get(kind.__name__, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_pickles_keep_all_that_is_said(kind: type[PvtopError]) -> None:
    again = pickled(kind("what and where", "what to do", setting="output", remedy="key"))
    assert type(again) is kind
    assert (str(again), again.message, again.hint) == ("what and where", "what and where", "what to do")
    assert (again.setting, again.remedy) == ("output", "key")


@pytest.mark.parametrize("wait", [None, 0.0, 2.5])
def test_pickles_keep_the_wait(wait: float | None) -> None:
    again = pickled(UnreachableError("a", "b", retry_after=wait))
    assert (again.message, again.hint, again.retry_after) == ("a", "b", wait)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("setting", "note"), [("", "choose another folder"), ("output", "choose another folder (setting: output)")]
)
def test_a_traceback_shows_the_hint_once(kind: type[PvtopError], setting: str, note: str) -> None:
    error = kind("cannot write the lake", "choose another folder", setting=setting)
    for shown in (error, pickled(error), pickled(pickled(error)), copy(error)):
        lines = "".join(traceback.format_exception(shown)).splitlines()
        assert lines == [f"pvtop.core.errors.{kind.__name__}: cannot write the lake", note]


def test_a_traceback_without_a_hint_has_no_empty_line() -> None:
    assert traceback.format_exception(UsageError("no such hour")) == ["pvtop.core.errors.UsageError: no such hour\n"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_may_pass_is_transient(kind: type[PvtopError]) -> None:
    assert is_transient(kind("a")) is issubclass(kind, UnreachableError)


@pytest.mark.parametrize("error", [OSError("a"), TimeoutError("a"), KeyboardInterrupt()])
def test_errors_of_others_are_not_transient(error: BaseException) -> None:
    assert not is_transient(error)
