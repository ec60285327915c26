r"""The top pages with DuckDB: python with_duckdb.py DUMP BLACKLIST OUTPUT.

As its documentation advises: columns given instead of sniffed, insertion order not preserved, and the N largest of
a group by `min_by(..., 25)`, which was faster than a window with QUALIFY. The optimizer takes the gzip file for a few
rows and would build the join's hash table of it rather than of the blacklist: without that choice it is faster and
takes half of the memory.
"""

import sys

import duckdb

LISTED = r"""
CREATE TEMP TABLE blacklist AS
WITH lines AS (SELECT unnest(string_split(content, chr(10))) AS line FROM read_text($blacklist)),
entries AS (
    SELECT replace(split_part(line, ' ', 1), '""', '') AS domain_code, line[strpos(line, ' ') + 1:] AS page_title
    FROM lines
    WHERE strpos(line, ' ') BETWEEN 1 AND length(line) - 1
)
SELECT domain_code, page_title FROM entries
UNION
SELECT domain_code, replace(TRY(url_decode(page_title)), ' ', '_') FROM entries
"""
RANKED = r"""
COPY (
    WITH pages AS (
        SELECT
            if(code = '""', '', code) AS domain_code,
            CASE
                WHEN contains(title, '\"')
                    AND regexp_full_match(title, '"(?:[^"\\]|\\["\\])*"')
                THEN regexp_replace(title[2:-2], '\\(["\\])', '\1', 'g')
                ELSE title
            END AS page_title,
            views
        FROM read_csv(
            $dump, delim = ' ', quote = '', escape = '', nullstr = chr(0),
            header = false, auto_detect = false, ignore_errors = true, strict_mode = false,
            columns = {'code': 'VARCHAR', 'title': 'VARCHAR', 'views': 'BIGINT', 'size': 'BIGINT'}
        )
        WHERE title NOT IN ('', '-') AND views >= 0 AND size >= 0
    ),
    tops AS (
        SELECT
            domain_code,
            min_by({'title': page_title, 'views': views}, {'fewer': -views, 'title': page_title}, 25) AS pages
        FROM pages ANTI JOIN blacklist USING (domain_code, page_title)
        GROUP BY domain_code
    )
    SELECT
        domain_code,
        generate_subscripts(pages, 1)::UINTEGER AS rank,
        unnest(pages).title AS page_title,
        unnest(pages).views AS views
    FROM tops
    ORDER BY domain_code, rank
) TO $output (FORMAT parquet, COMPRESSION zstd)
"""


def main() -> None:
    """Spell the blacklist, then read, leave out, rank and write in one query."""
    dump, blacklist, output = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET disabled_optimizers = 'build_side_probe_side'")
    connection.execute(LISTED, {"blacklist": blacklist})
    connection.execute(RANKED, {"dump": dump, "output": output})


if __name__ == "__main__":
    main()
