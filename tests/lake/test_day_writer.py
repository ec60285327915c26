"""Day files as they are written."""

from pathlib import Path

import pyarrow.parquet as pq

from support.days import DAY, write_day


def test_lists_are_compressed_for_speed_and_the_rest_for_size(tmp_path: Path) -> None:
    first = pq.read_metadata(write_day(tmp_path, DAY, {("en", "Climate"): {0: 1, 1: 2}})).row_group(0)
    columns = [first.column(number) for number in range(first.num_columns)]
    assert {column.path_in_schema.partition(".")[0]: column.compression for column in columns} == {
        "domain_code": "ZSTD",
        "page_title": "ZSTD",
        "views": "ZSTD",
        "start_hours": "LZ4",
        "counts": "LZ4",
    }
    assert "DELTA_BINARY_PACKED" in columns[-1].encodings
