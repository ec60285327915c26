"""Day files: read in parts, damaged."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pvtop.core.errors import OutputError
from pvtop.lake.day_files import DayFile
from pvtop.lake.day_writer import GROUP_ROWS, write_day_file
from pvtop.lake.lake import Lake
from pvtop.lake.layout import day_path
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
        assert day_file.find(day_pages(PAGES), COUNTED).equals(day_pages(PAGES))
        assert list(day_file.codes) == ["", "de", "en", "en.m"]


def test_parts_of_columns_are_those_of_the_pages(tmp_path: Path) -> None:
    pages = pl.concat([many(de=5, en=2 * GROUP_ROWS), day_pages({("fr", "Été"): {0: 7, 5: 0, 23: 1}})])
    write_pages(tmp_path, pages)
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        for groups in (range(3), range(1, 3), range(2, 3)):
            part = pages.slice(groups.start * GROUP_ROWS)
            assert day_file.as_text(day_file.titles(groups)).equals(part.get_column("page_title"))
            assert day_file.views(groups).equals(part.get_column("views"))
            for column in ("start_hours", "counts"):
                lengths, values = day_file.lists(groups, column)
                assert lengths.to_list() == part.get_column(column).list.len().to_list()
                assert values.to_list() == part.get_column(column).explode(empty_as_null=False).to_list()


@pytest.mark.parametrize("text", ['["en", 2]', '["Z6"]'])
def test_code_or_first_title_that_changed_in_the_metadata_is_damage(tmp_path: Path, text: str) -> None:
    path = write_day(tmp_path, DAY, PAGES)
    before, found, after = path.read_bytes().rpartition(text.encode())
    path.write_bytes(before + found.replace(found[2:4], b"XX") + after)
    with pytest.raises(OutputError, match="or is damaged"), Lake(str(tmp_path)).day_file(DAY):
        pass


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


def test_find_returns_pages_beside_a_long_title(tmp_path: Path) -> None:
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
