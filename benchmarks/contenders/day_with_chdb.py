"""The rollup of many hours with ClickHouse, as chdb: python day_with_chdb.py BLACKLIST OUTPUT MEGABYTES DUMP...

The rules are those of `with_chdb.py`. Before the pages are ranked, the views of all hours are added up. From a
sixth of the memory limit on, ClickHouse spills each step to the working folder. All dumps are in one folder.
"""

import sys
from pathlib import Path

import chdb
from with_chdb import QUERY

SUMMED = "(SELECT domain_code, page_title, sum(views) AS views FROM kept GROUP BY domain_code, page_title)"


def main() -> None:
    """Run the query that does everything."""
    blacklist, output, megabytes, *dumps = sys.argv[1:]
    pattern = f"{Path(dumps[0]).parent}/{{{','.join(Path(dump).name for dump in dumps)}}}"
    limit = int(megabytes) * 10**6
    with chdb.connect("spilled") as connection:
        connection.query(f"SET max_memory_usage = {limit}")
        for step in ("group_by", "sort"):
            connection.query(f"SET max_bytes_before_external_{step} = {limit // 6}")
        connection.query(QUERY % (SUMMED, output), params={"dump": pattern, "blacklist": blacklist})


if __name__ == "__main__":
    main()
