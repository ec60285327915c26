"""What lies where in a lake."""

from __future__ import annotations

from pvtop.core.errors import UsageError
from pvtop.core.hour import Hour


def parse_partition(text: str) -> Hour | None:
    """Read the hour that folders of a lake name; None where they name none."""
    try:
        return Hour.parse(text)
    except UsageError:
        return None


def top_pages_path(hour: Hour) -> str:
    """Give where the ranked pages of an hour lie; their presence says that the hour is done."""
    return f"top_pages/{hour.partition}/top_pages.parquet"


def domains_path(hour: Hour) -> str:
    """Give where the domain totals of an hour lie."""
    return f"domains/{hour.partition}/domains.parquet"


def failure_path(hour: Hour) -> str:
    """Give where the note lies that an hour failed."""
    return f"failures/{hour.partition}.json"


def text_path(hour: Hour) -> str:
    """Give where the text report of an hour lies."""
    return f"text/{hour.month_folder}/top_pages-{hour.stamp:%Y%m%d-%H}0000.txt"
