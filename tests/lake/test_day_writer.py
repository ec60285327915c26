"""Day files as they are written."""

from pathlib import Path

import pyarrow.parquet as pq

from support.days import DAY, write_day


def test_titles_are_compressed_for_size_and_the_rest_for_speed(tmp_path: Path) -> None:
    first = pq.read_metadata(write_day(tmp_path, DAY, {("en", "Climate"): {0: 1, 1: 2}})).row_group(0)
    columns = [first.column(number) for number in range(first.num_columns)]
    assert {column.path_in_schema.partition(".")[0]: column.compression for column in columns} == {
        "domain_code": "LZ4",
        "page_title": "ZSTD",
        "views": "LZ4",
        "start_hours": "LZ4",
        "counts": "LZ4",
    }
    assert "DELTA_BYTE_ARRAY" in columns[1].encodings
    assert "DELTA_BINARY_PACKED" in columns[-1].encodings
