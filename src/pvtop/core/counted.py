"""Numbers of things, as text."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Return a number of things: `1 dump`, `1,024 dumps`.

    Args:
        count: How many there are.
        noun: What they are called if there is one. Its plural ends with `s`.
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
