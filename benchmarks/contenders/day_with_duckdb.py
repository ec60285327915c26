"""The rollup of many hours with DuckDB: python day_with_duckdb.py BLACKLIST OUTPUT MEGABYTES DUMP...

The rules are those of `with_duckdb.py`. Before the pages are ranked, the views of all hours are added up. DuckDB does
that within the memory limit, and spills the rest to the working folder.
"""

import sys

import duckdb
from with_duckdb import KEPT, LISTED, RANKED

SUMMED = "SELECT domain_code, page_title, sum(views)::BIGINT AS views FROM (%s) GROUP BY ALL"


def main() -> None:
    """Load the blacklist, then read, exclude, add up, rank and write in one query."""
    blacklist, output, megabytes, *dumps = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '{int(megabytes)}MB'")
    connection.execute("SET temp_directory = 'spilled'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET disabled_optimizers = 'build_side_probe_side'")
    connection.execute(LISTED, {"blacklist": blacklist})
    connection.execute(RANKED % (SUMMED % KEPT), {"dump": dumps, "output": output})


if __name__ == "__main__":
    main()
