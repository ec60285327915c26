"""The tree of errors."""

from __future__ import annotations

import errno
import pickle
import traceback
from collections.abc import Iterator
from copy import copy
from typing import TypeVar

import pytest

from pvtop.core import errors
from pvtop.core.errors import (
    ExhaustedError,
    PvtopError,
    UnreachableError,
    UsageError,
    exhausted,
    internal_error,
    interrupted,
    is_transient,
)


def tree(root: type[PvtopError] = PvtopError) -> Iterator[type[PvtopError]]:
    """Return a class and its subclasses in the module, root first."""
    yield root
    for below in root.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from tree(below)


KINDS = list(tree())
E = TypeVar("E", bound=PvtopError)
EXIT_CODES = {
    "HoursFailedError": 4,
    "InterruptedRunError": 130,
    "UsageError": 2,
    "NotPublishedError": 3,
    "NotInLakeError": 3,
    "NoDayFilesError": 3,
    "MalformedError": 5,
    "InvalidReportError": 5,
}


def pickled(error: E) -> E:
    """Pickle an error and load it again."""
    again: E = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    return again


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_has_its_exit_code(kind: type[PvtopError]) -> None:
    assert kind.exit_code == EXIT_CODES.get(kind.__name__, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_pickled_error_keeps_all_fields(kind: type[PvtopError]) -> None:
    again = pickled(kind("what and where", "what to do", setting="output", remedy="key"))
    assert type(again) is kind
    assert (str(again), again.message, again.hint) == ("what and where", "what and where", "what to do")
    assert (again.setting, again.remedy) == ("output", "key")


@pytest.mark.parametrize("wait", [None, 0.0, 2.5])
def test_pickled_error_keeps_retry_after(wait: float | None) -> None:
    again = pickled(UnreachableError("a", "b", retry_after=wait))
    assert (again.message, again.hint, again.retry_after) == ("a", "b", wait)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("setting", "note"), [("", "choose another folder"), ("output", "choose another folder (setting: output)")]
)
def test_traceback_shows_the_hint_once(kind: type[PvtopError], setting: str, note: str) -> None:
    error = kind("cannot write the lake", "choose another folder", setting=setting)
    for shown in (error, pickled(error), pickled(pickled(error)), copy(error)):
        lines = "".join(traceback.format_exception(shown)).splitlines()
        assert lines == [f"pvtop.core.errors.{kind.__name__}: cannot write the lake", note]


def test_traceback_without_a_hint_has_no_empty_line() -> None:
    assert traceback.format_exception(UsageError("no such hour")) == ["pvtop.core.errors.UsageError: no such hour\n"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_unreachable_errors_are_transient(kind: type[PvtopError]) -> None:
    assert is_transient(kind("a")) is issubclass(kind, UnreachableError)


@pytest.mark.parametrize("error", [OSError("a"), TimeoutError("a"), KeyboardInterrupt()])
def test_errors_of_other_libraries_are_not_transient(error: BaseException) -> None:
    assert not is_transient(error)


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (RuntimeError("can't start new thread"), "the machine refuses another thread", "ulimit -u"),
        (RuntimeError("a panic: Resource temporarily unavailable"), "the machine refuses another thread", "ulimit -u"),
        (OSError(errno.EMFILE, "Too many open files", "dump.gz"), "too many open files: dump.gz", "ulimit -n"),
        (RuntimeError("a panic: Too many open files"), "too many open files", "ulimit -n"),
        (MemoryError(), "the machine has no memory left", "ulimit -v"),
    ],
)
def test_exhausted_machine_is_no_internal_error(error: Exception, message: str, hint: str) -> None:
    found = internal_error(error)
    assert isinstance(found, ExhaustedError)
    assert str(found) == message
    assert hint in found.hint


def test_other_failures_are_internal_errors() -> None:
    assert exhausted(OSError(errno.EIO, "Input/output error")) is None
    assert str(internal_error(ValueError("first line\nsecond"))) == "internal error: ValueError: first line"


def test_interrupted_run_keeps_the_exit_code_of_its_signal() -> None:
    assert interrupted(KeyboardInterrupt(129), "x").exit_code == 129
    assert interrupted(KeyboardInterrupt(), "x").exit_code == 130
