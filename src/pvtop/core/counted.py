"""Numbers of things and shares, as text."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a number of things: `1 dump`, `1,024 dumps`.

    Args:
        count: How many there are.
        noun: What they are called if there is one.
        plural: What they are called otherwise; default: the noun with an `s`.
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def percent(share: float | None) -> str:
    """Return a share as text: `44 %`, or a dash if it is unknown."""
    return "-" if share is None else f"{share:.0%}".replace("%", " %")
