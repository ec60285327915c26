"""The tree of errors."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from pvtop.core import errors
from pvtop.core.errors import PvtopError, UnreachableError, is_transient


def tree(root: type[PvtopError] = PvtopError) -> Iterator[type[PvtopError]]:
    """Give a class and all below it in the module, root first."""
    yield root
    for below in root.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from tree(below)


KINDS = list(tree())
EXIT_CODES = {
    "HoursFailedError": 4,
    "UsageError": 2,
    "NotPublishedError": 3,
    "NotInLakeError": 3,
    "MalformedError": 5,
    "InvalidReportError": 5,
}


@pytest.mark.parametrize("kind", KINDS)
def test_exit_codes(kind: type[PvtopError]) -> None:
    assert kind.exit_code == EXIT_CODES.get(kind.__name__, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_pickles_keep_all_that_is_said(kind: type[PvtopError]) -> None:
    again = pickle.loads(pickle.dumps(kind("what and where", "what to do")))  # noqa: S301 - our own
    assert type(again) is kind
    assert (str(again), again.message, again.hint) == ("what and where", "what and where", "what to do")


@pytest.mark.parametrize("wait", [None, 0.0, 2.5])
def test_pickles_keep_the_wait(wait: float | None) -> None:
    again = pickle.loads(pickle.dumps(UnreachableError("a", "b", retry_after=wait)))  # noqa: S301 - our own
    assert (again.message, again.hint, again.retry_after) == ("a", "b", wait)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_may_pass_is_transient(kind: type[PvtopError]) -> None:
    assert is_transient(kind("a")) is issubclass(kind, UnreachableError)


@pytest.mark.parametrize("error", [OSError("a"), TimeoutError("a"), KeyboardInterrupt()])
def test_errors_of_others_are_not_transient(error: BaseException) -> None:
    assert not is_transient(error)
