"""Arguments of the library: one value or several, and numbers."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import pytest

from pvtop.core.arguments import check_number, check_type, check_whole, several
from pvtop.core.errors import UsageError


class Number(IntEnum):
    """A whole number of another type."""

    ONE = 1


def test_argument_is_one_value_or_several() -> None:
    assert several("en", str, "domains") == ["en"]
    assert several(["en", "de"], str, "domains") == ["en", "de"]
    assert several((code for code in ("en", "de")), str, "domains") == ["en", "de"]


def test_generator_that_has_been_read_is_refused() -> None:
    codes = (code for code in ("en", "de"))
    several(codes, str, "domains")
    with pytest.raises(UsageError, match="there are no domains") as caught:
        several(codes, str, "domains")
    assert "a generator yields its values only once" in caught.value.hint


def test_argument_that_is_no_list_is_refused() -> None:
    with pytest.raises(UsageError, match="5 is not a list of domains") as caught:
        several(5, str, "domains")
    assert caught.value.hint == "pass a list of domains"


@pytest.mark.parametrize("value", [1, 25, Number.ONE])
def test_whole_number_in_its_range_is_accepted(value: object) -> None:
    check_whole("top", value, 1, 25)


@pytest.mark.parametrize("value", [0, 26, 2.0, "7", None, True, float("nan"), 10**30, [7]])
def test_other_values_are_no_whole_number_in_the_range(value: object) -> None:
    with pytest.raises(UsageError, match="^top is ") as caught:
        check_whole("top", value, 1, 25)
    assert caught.value.hint == "it must be a whole number, 1 to 25"


def test_whole_number_without_an_upper_limit_fits_into_64_bits() -> None:
    check_whole("count", 2**63 - 1, 1)
    with pytest.raises(UsageError) as caught:
        check_whole("count", 2**63, 1)
    assert caught.value.hint == "it must be a whole number, 1 or more"


@pytest.mark.parametrize("value", [1, 0.25, Fraction(1, 2)])
def test_number_in_its_range_is_accepted(value: object) -> None:
    check_number("min_share", value, above=0, most=1)


@pytest.mark.parametrize("value", [0, 1.01, "0.5", None, True, float("nan"), float("inf"), Decimal("0.5"), 1j])
def test_other_values_are_no_number_in_the_range(value: object) -> None:
    with pytest.raises(UsageError, match="^min_share is ") as caught:
        check_number("min_share", value, above=0, most=1)
    assert caught.value.hint == "it must be a number, above 0, and at most 1"


def test_infinity_is_not_in_an_open_range() -> None:
    check_number("min_ratio", 1e300, least=1)
    with pytest.raises(UsageError) as caught:
        check_number("min_ratio", float("inf"), least=1)
    assert caught.value.hint == "it must be a number, 1 or more"


def test_argument_of_another_type_is_shown_without_secrets() -> None:
    with pytest.raises(UsageError, match="'s3://bucket' is not of the type int") as caught:
        check_type("s3://user:h0neyp0t@bucket", int, "pass a number")
    assert caught.value.hint == "pass a number"
