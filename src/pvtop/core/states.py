"""The state of an hour: one enumeration for results, `status`, metrics, JSON and screens."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class HourState(StrEnum):
    """The state of an hour: what a run did with it, or what the lake has."""

    MADE = "made"
    """This run wrote the report. In `status`: it is in the lake."""
    UNCHANGED = "unchanged"
    """The report is in the lake and up to date."""
    MISSING = "missing"
    """The report is not in the lake. The dump is published, or it is not known whether it is."""
    NOT_PUBLISHED = "not_published"
    """The source does not have the dump."""
    FAILED = "failed"
    """The report could not be made."""

    @property
    def label(self) -> str:
        """The state as people read it: `not published`."""
        return self.value.replace("_", " ")


def counts_as_text(counts: Mapping[HourState, int]) -> str:
    """Return how many are in each state: `3 made, 1 not published`. Empty if there are none."""
    return ", ".join(f"{count:,} {state.label}" for state, count in sorted(counts.items()) if count)
