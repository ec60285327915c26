"""Sorted runs of pages are merged in order, whatever the codes, the titles and the sizes of the parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvtop.transform import merge as merging
from pvtop.transform.merge import merge

Row = tuple[str, str, int]

texts = st.text(
    st.sampled_from("\0\x01\x1f\x7fab_\x80é\ud7ff\ue000\ufffd\uffff\U00010000\U0010ffff")
    | st.characters(exclude_categories=["Cs"]),
    max_size=3,
)


class Part:
    """The pages of a domain in a run, in frames of a few rows."""

    def __init__(self, titles: Sequence[str], run: int, step: int) -> None:
        self.rows = len(titles)
        self._frame = pl.DataFrame(
            {"page_title": titles, "run": [run] * len(titles)}, schema={"page_title": pl.String, "run": pl.Int64}
        )
        self._step = step

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the pages, with an empty frame between frames."""
        for frame in self._frame.iter_slices(self._step):
            yield frame.head(0)
            yield frame


def utf8(page: Row) -> tuple[bytes, bytes, int]:
    code, title, run = page
    return code.encode(), title.encode(), run


def segments(pages: Mapping[str, Sequence[set[str]]], step: int = 2) -> dict[str, list[Part]]:
    """Return the segments of each domain: one for each set of titles, which is not empty."""
    return {
        code: [Part(sorted(titles, key=str.encode), run, step) for run, titles in enumerate(runs) if titles]
        for code, runs in pages.items()
    }


def expected(pages: Mapping[str, Sequence[set[str]]]) -> list[Row]:
    rows = [(code, title, run) for code, runs in pages.items() for run, titles in enumerate(runs) for title in titles]
    return sorted(rows, key=utf8)


@given(
    st.dictionaries(texts, st.lists(st.sets(texts, max_size=9), max_size=4).filter(any), max_size=6),
    st.integers(1, 12),
    st.integers(1, 4),
)
def test_merged_pages_ascend_in_byte_order(pages: dict[str, list[set[str]]], rows: int, step: int) -> None:
    frames = list(merge(segments(pages, step), rows))
    found: list[Row] = [row for frame in frames for row in frame.rows()]
    assert found == expected(pages)
    assert all(frame.columns == ["domain_code", "page_title", "run"] and len(frame) for frame in frames)
    borders = [{frame.row(0)[:2], frame.row(-1)[:2]} for frame in frames]
    assert not any(one & other for one, other in pairwise(borders)), "a page is in two frames"


def test_nothing_is_merged_from_nothing() -> None:
    assert list(merge({})) == []


def test_large_domain_is_merged_in_ranges() -> None:
    pages = {"en": [{f"{number:05}" for number in range(run, 3000, 3)} for run in range(3)]}
    frames = list(merge(segments(pages, 10), 300))
    assert max(map(len, frames)) <= 600
    assert [row for frame in frames for row in frame.rows()] == expected(pages)


def test_more_domains_than_marks_are_merged_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "LAST_MARK", merging.FIRST_MARK + 2)  # there are 55,000, which take long
    pages = {f"{number:02}": [{"a", "b"}] for number in range(7)}
    frames = list(merge(segments(pages)))
    assert [row for frame in frames for row in frame.rows()] == expected(pages)
    assert [frame.get_column("domain_code").n_unique() for frame in frames] == [3, 3, 1]


def test_frames_of_the_segments_are_left_as_they_are() -> None:
    parts = segments({"a": [{"x"}], "b": [{"y"}], "c": [{"z"}, {"z"}]})
    list(merge(parts))
    assert [frame.columns for part in parts["a"] for frame in part.frames()] == [["page_title", "run"]] * 2
