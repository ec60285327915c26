"""Day files: read in parts, damaged."""

import random
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pvtop.core.errors import OutputError
from pvtop.lake.day_files import DayFile
from pvtop.lake.day_format import DATA_PAGE_ROWS, GROUP_ROWS, day_metadata, file_schema
from pvtop.lake.day_writer import Totals, write_day_file
from pvtop.lake.lake import Lake
from pvtop.lake.layout import day_path
from pvtop.transform.schemas import DAY_PAGES, PAGE_KEY
from support.days import DAY, Views, day_pages, day_provenance, write_day

PAGES: Views = {
    ("", "Z6"): {3: 1},
    ("de", "Klima"): {0: 7, 23: 1},
    ("en", "Climate"): {0: 1, 1: 2, 2: 3},
    ("en", "Éclair"): {12: 5},
    ("en.m", "Climate"): {5: 9},
}

FLIPS = 300
FOUND = [*PAGE_KEY, "start_hours", "counts"]


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
        assert day_file.find(day_pages(PAGES)).equals(day_pages(PAGES).select(FOUND))
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


@pytest.mark.parametrize("text", ['["en", 2]', ': "Z"'])
def test_changed_code_or_border_in_the_metadata_is_damage(tmp_path: Path, text: str) -> None:
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
        assert day_file.find(wanted).equals(wanted.select(FOUND))


def varied(**counts: int) -> pl.DataFrame:
    """Return pages as `many` does, with up to 24 hours and titles of up to 1,477 bytes, the longest that dumps have."""
    number = pl.int_range(pl.len())
    hours = number % 24 + 1
    return many(**counts).with_columns(
        page_title=pl.col("page_title") + pl.lit("x").repeat_by(number % 48 * 30 + 61).list.join(""),
        views=hours,
        start_hours=pl.int_ranges(0, hours, dtype=pl.UInt8),
        counts=pl.lit(1, pl.Int64).repeat_by(hours),
    )


def test_find_returns_rows_of_any_data_page(tmp_path: Path) -> None:
    pages = varied(aa=DATA_PAGE_ROWS // 2, en=2 * GROUP_ROWS, ja=2 * DATA_PAGE_ROWS + 1)
    write_pages(tmp_path, pages)
    ends = [end + row for end in range(0, len(pages), DATA_PAGE_ROWS) for row in (-1, 0, 1)]
    wanted = pages[sorted({row for row in [*ends, len(pages) - 1] if 0 <= row < len(pages)})]
    absent = wanted.with_columns(pl.col("page_title") + "y")
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        assert day_file.find(pl.concat([absent, wanted])).equals(wanted.select(FOUND))
        for row in range(0, len(wanted), 17):
            assert day_file.find(wanted[[row]]).equals(wanted[[row]].select(FOUND))


def test_find_reads_only_the_data_pages_that_it_needs(tmp_path: Path) -> None:
    pages = many(en=3 * DATA_PAGE_ROWS)
    write_pages(tmp_path, pages)
    path = tmp_path / day_path(DAY)
    titles = pq.read_metadata(path).row_group(0).column(1)
    content = bytearray(path.read_bytes())
    content[titles.data_page_offset + titles.total_compressed_size - 1] ^= 1  # in the last data page
    path.write_bytes(content)
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        assert day_file.find(pages[[0]]).equals(pages[[0]].select(FOUND))
        with pytest.raises(OutputError, match="checksum"):
            day_file.find(pages[[-1]])


@pytest.mark.parametrize("column", ["start_hours", "counts"])
def test_data_page_with_a_wrong_number_of_values_is_damage(column: str, tmp_path: Path) -> None:
    pages = many(en=DATA_PAGE_ROWS).with_columns(start_hours=[0, 1], counts=[2, 1], views=3)
    write_pages(tmp_path, pages)
    path = tmp_path / day_path(DAY)
    content = bytearray(path.read_bytes())
    chunk = pq.read_metadata(path).row_group(0).column(DAY_PAGES.names().index(column))
    values = b"\x15\x80\x10"  # 1,024, as the header of a data page has it
    place = content.index(values, chunk.data_page_offset)
    content[place : place + 3] = b"\x15\xfe\x0f"  # 1,023
    path.write_bytes(content)
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        with pytest.raises(OutputError, match="different numbers of hours and counts"):
            day_file.find(pages[[-1]])


def test_title_page_with_a_wrong_encoding_is_damage(tmp_path: Path) -> None:
    draw = random.Random(2)
    titles = sorted({"".join(draw.choices("abcdefghijklmnop", k=draw.randint(6, 24))) for _ in range(DATA_PAGE_ROWS)})
    write_pages(tmp_path, many(en=len(titles)).with_columns(page_title=pl.Series(titles)))
    path = tmp_path / day_path(DAY)
    content = bytearray(path.read_bytes())
    place = content.index(b"\x15\x0e\x15\x06\x15\x06", pq.read_metadata(path).row_group(0).column(1).data_page_offset)
    content[place + 1] = 0x0C  # the prefix lengths are taken for the lengths, and nothing else is wrong
    path.write_bytes(content)
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        with pytest.raises(OutputError, match="wrong encoding"):
            day_file.find(many(en=1))
        with pytest.raises(OutputError, match="a title is empty"):
            day_file.titles(range(1))
        with pytest.raises(OutputError, match="cannot read"):
            next(day_file.frames())


@pytest.mark.parametrize(
    "index",
    [
        b"null",
        b"[]",
        b"[" * 200_000,
        b'{"borders": "a"}',
        b'{"borders": 1, "page_title": ["", ""], "start_hours": ["", ""], "counts": ["", ""]}',
        b'{"borders": "a", "page_title": ["", ""], "start_hours": ["", ""], "counts": ["", ""]}',
        b'{"borders": "a", "page_title": ["a", "a"], "start_hours": ["", ""], "counts": ["", ""]}',
    ],
)
def test_index_that_another_program_wrote_is_damage(index: bytes, tmp_path: Path) -> None:
    pages = many(en=2)
    totals = Totals()
    totals.add(pages)
    path = tmp_path / day_path(DAY)
    path.parent.mkdir(parents=True)
    table = pages.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(file_schema())
    pq.write_table(table.replace_schema_metadata(day_metadata(day_provenance(DAY, totals), index)), path)
    with Lake(str(tmp_path)).day_file(DAY) as day_file:
        assert day_file is not None
        with pytest.raises(OutputError, match="cannot read"):
            day_file.find(pages)


@pytest.mark.parametrize("part", ["titles and lists", "index and footer"])
def test_random_damage_is_refused_or_harmless(part: str, tmp_path: Path) -> None:
    pages = varied(de=10, en=2 * DATA_PAGE_ROWS)
    write_pages(tmp_path, pages)
    path = tmp_path / day_path(DAY)
    whole, draw = path.read_bytes(), random.Random(1)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    wanted = pages[::200]
    places = range(footer) if part == "titles and lists" else range(footer, len(whole))
    refused = 0
    for _ in range(FLIPS):
        damaged = bytearray(whole)
        damaged[draw.choice(places)] ^= draw.randrange(1, 256)
        path.write_bytes(damaged)
        try:
            with Lake(str(tmp_path)).day_file(DAY) as day_file:
                assert day_file is not None
                assert day_file.find(wanted).equals(wanted.select(FOUND))
        except OutputError:
            refused += 1
    assert FLIPS / 10 < refused < FLIPS


def test_disk_that_fails_is_not_taken_for_a_damaged_file() -> None:
    with Path("/proc/self/mem").open("rb") as file, pytest.raises(OutputError, match="Invalid argument") as error:
        DayFile(file, "the file")
    assert (error.value.remedy, error.value.setting) == ("", "output")
