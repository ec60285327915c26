"""The state of an hour: one enumeration for results, `status`, metrics, JSON and screens."""

from __future__ import annotations

from enum import StrEnum


class HourState(StrEnum):
    """The state of an hour, in a result or in a lake."""

    MADE = "made"
    """This run wrote the report. In `status`: the lake holds it."""
    UNCHANGED = "unchanged"
    """The lake holds the report, and it is up to date."""
    MISSING = "missing"
    """The lake does not hold the report. The dump is published, or nobody knows whether it is."""
    NOT_PUBLISHED = "not_published"
    """The source does not hold the dump."""
    FAILED = "failed"
    """The report could not be made."""

    @property
    def label(self) -> str:
        """The state as people read it: `not published`."""
        return self.value.replace("_", " ")
