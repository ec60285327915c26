"""Arguments of the library: one value or several, and numbers in their range."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any

from pvtop.core.errors import UsageError
from pvtop.core.escape import shorten
from pvtop.core.redaction import redacted

MAX_INTEGER = 2**63 - 1  # what a column of integers can hold
MAKE_SETTINGS = "make them with Settings.load, such as Settings.load(output='reports')"


def several(values: object, one: type | tuple[type, ...], what: str) -> list[Any]:
    """Return an argument that is one value or several as a list.

    Args:
        values: One value, or an iterable of them, which may be a generator.
        one: The types of one value. Text is iterable, but it is one value.
        what: What the values are called: `hours`.

    Raises:
        UsageError: It is neither, or there are no values.
    """
    if isinstance(values, one):
        return [values]
    if not isinstance(values, Iterable):
        raise UsageError(f"{shorten(repr(values))} is not a list of {what}", f"pass a list of {what}")
    found = list(values)
    if not found:
        raise UsageError(f"there are no {what}", "name at least one; a generator yields its values only once")
    return found


def is_text(value: object) -> bool:
    """Return whether an argument is text."""
    return isinstance(value, str)


def is_whole(value: object) -> bool:
    """Return whether an argument is a whole number. Python takes true and false for numbers, too."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_type(value: object, kind: type, hint: str) -> None:
    """Check the type of an argument.

    Args:
        value: The argument.
        kind: Its type.
        hint: How to make one.

    Raises:
        UsageError: It is of another type.
    """
    if not isinstance(value, kind):
        raise UsageError(f"{shorten(redacted(repr(value)))} is not of the type {kind.__name__}", hint)


def check_whole(name: str, value: Any, low: int, high: float = MAX_INTEGER) -> None:  # noqa: ANN401 - that is checked
    """Check that an argument is a whole number in a range.

    Raises:
        UsageError: It is not.
    """
    if not is_whole(value) or not low <= value <= high:
        limit = f"{low:,} to {high:,}" if high < MAX_INTEGER else f"{low:,} or more"
        raise _wrong(name, value, f"it must be a whole number, {limit}")


def check_number(
    name: str,
    value: Any,  # noqa: ANN401 - that is checked
    *,
    least: float = -inf,
    above: float = -inf,
    most: float = inf,
) -> None:
    """Check that an argument is a finite number in a range.

    Args:
        name: Its name.
        value: The argument.
        least: The least value.
        above: A value that is too small by itself.
        most: The greatest value.

    Raises:
        UsageError: It is not.
    """
    is_number = not isinstance(value, bool) and isinstance(value, Real)
    if not is_number or not isfinite(value) or not least <= value <= most or value <= above:
        low = f"{least:g} or more" if least > -inf else f"above {above:g}"
        raise _wrong(name, value, f"it must be a number, {low}{f', and at most {most:g}' if most < inf else ''}")


def _wrong(name: str, value: object, hint: str) -> UsageError:
    return UsageError(f"{name} is {shorten(repr(value))}", hint)
