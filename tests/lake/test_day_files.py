"""Day files: written, read in parts, damaged."""

import contextlib
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvtop.core.errors import OutputError
from pvtop.lake.day_files import GROUP_ROWS, DayFile, write_day_file
from pvtop.lake.lake import Lake
from pvtop.lake.layout import day_path
from pvtop.transform.schemas import PAGE_KEY
from support.days import DAY, Views, day_pages, day_provenance, write_day

PAGES: Views = {
    ("", "Z6"): {3: 1},
    ("de", "Klima"): {0: 7, 23: 1},
    ("en", "Climate"): {0: 1, 1: 2, 2: 3},
    ("en", "Éclair"): {12: 5},
    ("en.m", "Climate"): {5: 9},
}

COUNTED = ["views", "start_hours", "counts"]


def many(**counts: int) -> pl.DataFrame:
    """Return as many pages as wanted for each domain, in the columns of `DAY_PAGES`."""
    frames = [
        pl.DataFrame({"number": range(count)}).select(
            domain_code=pl.lit(code),
            page_title=pl.col("number").cast(pl.String).str.zfill(6),
            views=pl.lit(1, pl.Int64),
            start_hours=pl.concat_list((pl.col("number") % 24).cast(pl.UInt8)),
            counts=pl.concat_list(pl.lit(1, pl.Int64)),
        )
        for code, count in sorted(counts.items())
    ]
    return pl.concat(frames)


def write_pages(lake: Path, pages: pl.DataFrame) -> None:
    path = lake / day_path(DAY)
    path.parent.mkdir(parents=True)
    write_day_file(path, [pages], lambda totals: day_provenance(DAY, totals))


def test_day_file_returns_what_was_written(tmp_path: Path) -> None:
    write_day(tmp_path, DAY, PAGES)
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        assert pl.concat(day_file.frames()).equals(day_pages(PAGES))
        assert (day_file.provenance.pages, day_file.provenance.views) == (5, 29)
        assert day_file.codes == {"": range(1), "de": range(1, 2), "en": range(2, 4), "en.m": range(4, 5)}


def test_missing_day_file_is_none(tmp_path: Path) -> None:
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is None


def test_days_lists_only_complete_day_files(tmp_path: Path) -> None:
    write_day(tmp_path, DAY + 1, PAGES)
    write_day(tmp_path, DAY, PAGES)
    (tmp_path / "days" / "day=2024-12-29").mkdir()
    (tmp_path / "days" / "day=other").mkdir()
    assert Lake(str(tmp_path)).days() == [DAY, DAY + 1]


def test_bytes_do_not_depend_on_how_frames_are_cut(tmp_path: Path) -> None:
    pages = many(en=2 * GROUP_ROWS + 5)
    for name, rows in (("whole", len(pages)), ("parts", 10_007)):
        frames = pages.iter_slices(rows)
        write_day_file(tmp_path / name, frames, lambda totals: day_provenance(DAY, totals))
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "parts").read_bytes()


@pytest.mark.parametrize("before", [0, 1, GROUP_ROWS - 1, GROUP_ROWS])
def test_find_returns_pages_at_the_borders_of_row_groups(tmp_path: Path, before: int) -> None:
    pages = many(de=before, en=2 * GROUP_ROWS + 1, fr=3)
    write_pages(tmp_path, pages)
    places = [
        0,
        before - 1,
        before,
        *(before + n for n in (GROUP_ROWS - 1, GROUP_ROWS, 2 * GROUP_ROWS)),
        len(pages) - 1,
    ]
    wanted = pages[sorted({place for place in places if place >= 0})]
    absent = pl.DataFrame({"domain_code": ["en", "en", "zz"], "page_title": ["000000x", "", "000000"]})
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        found = day_file.find(pl.concat([absent, wanted.select(PAGE_KEY)]), COUNTED)
    assert found.equals(wanted)


def test_read_returns_the_rows_of_a_domain(tmp_path: Path) -> None:
    pages = many(de=GROUP_ROWS - 2, en=GROUP_ROWS + 5, fr=3)
    write_pages(tmp_path, pages)
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        for code, rows in day_file.codes.items():
            found = pl.concat(day_file.read(rows, ["page_title", "views"]))
            assert found.equals(pages.filter(domain_code=code).select("page_title", "views"))


def test_row_groups_name_their_domains(tmp_path: Path) -> None:
    write_pages(tmp_path, many(de=GROUP_ROWS - 2, en=GROUP_ROWS + 5, fr=3))
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        assert day_file.domains(range(1)) == {"de": range(GROUP_ROWS - 2), "en": range(GROUP_ROWS - 2, GROUP_ROWS)}
        assert day_file.domains(range(1, 3)) == {
            "en": range(GROUP_ROWS + 3),
            "fr": range(GROUP_ROWS + 3, GROUP_ROWS + 6),
        }


def test_titles_are_read_as_bytes(tmp_path: Path) -> None:
    pages = many(de=GROUP_ROWS, en=4)
    write_pages(tmp_path, pages)
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        titles = day_file.titles(range(2))
        assert titles.dtype == pl.Binary
        assert day_file.as_text(titles).equals(pages.get_column("page_title"))
        with pytest.raises(OutputError, match="a title is not UTF-8"):
            day_file.as_text(pl.Series([b"\xff"]))


@given(st.data())
def test_damaged_day_file_is_an_error_or_has_the_same_pages(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("lake")
    path = write_day(folder, DAY, PAGES)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(4, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with contextlib.suppress(OutputError), Lake(str(folder)).day_file(DAY) as day_file:
        assert day_file is not None
        assert pl.concat(day_file.frames()).equals(day_pages(PAGES))


def test_truncated_day_file_is_an_error(tmp_path: Path) -> None:
    path = write_day(tmp_path, DAY, PAGES)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(OutputError, match=f"cannot read {path}"), Lake(str(tmp_path)).day_file(DAY):
        pass


def test_day_file_whose_columns_may_be_null_is_refused(tmp_path: Path) -> None:
    path = write_day(tmp_path, DAY, PAGES)
    table = pq.read_table(path, partitioning=None)
    nullable = pa.schema([column.with_nullable(True) for column in table.schema], table.schema.metadata)
    pq.write_table(table.cast(nullable), path)
    with pytest.raises(OutputError, match="its columns are not those"), Lake(str(tmp_path)).day_file(DAY):
        pass


def test_find_returns_pages_of_row_groups_without_statistics(tmp_path: Path) -> None:
    pages = many(en=4 * GROUP_ROWS)
    titles = pages.get_column("page_title").to_list()
    titles[GROUP_ROWS + 7] += "x" * 5_000  # longer than pyarrow allows in statistics
    pages = pages.with_columns(pl.Series("page_title", titles))
    write_pages(tmp_path, pages)
    wanted = pages[[0, GROUP_ROWS, GROUP_ROWS + 7, 2 * GROUP_ROWS - 1, 2 * GROUP_ROWS, len(pages) - 1]]
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        assert day_file.find(wanted, COUNTED).equals(wanted)


def test_disk_that_fails_is_not_taken_for_a_damaged_file() -> None:
    with Path("/proc/self/mem").open("rb") as file, pytest.raises(OutputError, match="Invalid argument") as error:
        DayFile(file, "the file")
    assert (error.value.remedy, error.value.setting) == ("", "output")
