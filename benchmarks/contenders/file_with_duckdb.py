"""Ask a day file with DuckDB.

    python file_with_duckdb.py top FILE BLACKLIST OUTPUT     write the top pages of the day
    python file_with_duckdb.py page FILE CODE TITLE          print the hours and the views of a page as JSON

Of a day file it reads only the columns that it needs. The condition on code and title lets it skip all row groups but
one or two. The top pages are ranked as in `with_duckdb.py`.
"""

import json
import sys

import duckdb
from with_duckdb import LISTED, RANKED

KEPT = """
    SELECT domain_code, page_title, views
    FROM read_parquet($file) ANTI JOIN blacklist USING (domain_code, page_title)
    WHERE page_title != '-'
"""
PAGE = """
    SELECT unnest(start_hours), unnest(counts)
    FROM read_parquet($file)
    WHERE domain_code = $code AND page_title = $title
"""


def main() -> None:
    """Run the query that the first argument names."""
    query, file, *arguments = sys.argv[1:]
    connection = duckdb.connect()
    if query == "page":
        hours = connection.execute(PAGE, {"file": file, **dict(zip(("code", "title"), arguments, strict=True))})
        json.dump(hours.fetchall(), sys.stdout)
        return
    blacklist, output = arguments
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(LISTED, {"blacklist": blacklist})
    connection.execute(RANKED % KEPT, {"file": file, "output": output})


if __name__ == "__main__":
    main()
