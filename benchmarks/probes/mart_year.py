"""Load everything that a lake has into a mart in a DuckDB file, and query it, in this process.

    python mart_year.py LAKE DOMAIN AFTER UNTIL

The query is for the ten most viewed pages of a domain in the hours after one stamp and until another. It runs five
times, and the slowest time counts. Prints the version of the database, the figures, and the rows of the query as JSON.
Writes to `hours.parquet` for each hour how many pages it has in the mart, and a digest of its rows.
"""

import json
import sys

from steps import Steps

from pvtop import Hour, Lake, Mart

TIMES = 5
QUERY = """
    SELECT page_name, sum(num_views) AS views
    FROM top_pages
    WHERE domain_name = '{domain}' AND datehour > '{after}' AND datehour <= '{until}'
    GROUP BY page_name
    ORDER BY views DESC, page_name
    LIMIT 10
"""
DIGESTS = """
    SELECT datehour, count(*) AS pages,
        sum(hash(domain_name, num_views_rank, page_name, num_views))::VARCHAR AS digest
    FROM top_pages
    GROUP BY datehour
    ORDER BY datehour
"""


def main() -> None:
    """Load, query, and read all rows."""
    place, domain, *stamps = sys.argv[1:]
    mart, steps = Mart("mart.duckdb"), Steps()
    with steps.timed("load"):
        result = mart.load(Lake(place))
    if result.failures:
        sys.exit(str(result))
    after, until = (f"{Hour.parse(stamp).stamp:%Y-%m-%d %H:%M:%S}" for stamp in stamps)
    sql = QUERY.format(domain=domain, after=after, until=until)
    for number in range(TIMES):
        with steps.timed(f"query {number}"):
            found = mart.query(sql)
    slowest = max((steps.figures.pop(f"query {number}") for number in range(TIMES)), key=lambda one: one["seconds"])
    mart.query(DIGESTS).write_parquet("hours.parquet")
    info, figures = mart.info(), steps.figures | {"query": slowest}
    json.dump({"version": f"{info.product} {info.version}", "steps": figures, "rows": found.rows()}, sys.stdout)


if __name__ == "__main__":
    main()
