r"""The top pages with ClickHouse, as chdb: python with_chdb.py DUMP BLACKLIST OUTPUT.

Follows its documentation: `LIMIT 25 BY` finds the N largest of a group, which was faster than a window and than
`groupArraySorted(25)`; the set of the `IN` is built from the small side. ClickHouse does not accept a space as the CSV
delimiter. Splitting lines was faster than CustomSeparated, and recognizes malformed lines.
"""

import sys

import chdb

QUERY = r"""
WITH
    listed AS (
        SELECT
            if(code = '""', '', code) AS domain_code,
            decodeURLComponent(title) AS decoded,
            replaceAll(arrayJoin([toValidUTF8(title), if(isValidUTF8(decoded), decoded, '')]), ' ', '_') AS page_title
        FROM (
            SELECT substringIndex(entry, ' ', 1) AS code, substring(entry, length(code) + 2) AS title
            FROM (
                SELECT replaceRegexpOne(line, '[ \\t\\v\\f\\r]+$', '') AS entry
                FROM file({blacklist:String}, 'LineAsString', 'line String')
            )
        )
        WHERE title != ''
    ),
    pages AS (
        SELECT
            if(field[1] = '""', '', field[1]) AS domain_code,
            field[2] AS title,
            if(
                position(title, '\\"') > 0 AND match(title, '^"(?:[^"\\\\]|\\\\["\\\\])*"$'),
                replaceRegexpAll(substring(title, 2, length(title) - 2), '\\\\(["\\\\])', '\\1'),
                title
            ) AS page_title,
            toInt64OrNull(field[3]) AS count
        FROM (
            SELECT splitByChar(' ', line) AS field FROM file({dump:String}, 'LineAsString', 'line String')
        )
        WHERE length(field) = 4 AND title NOT IN ('', '-')
            AND count >= 0 AND toInt64OrNull(trimRight(field[4], '\r')) >= 0
    ),
    kept AS (
        SELECT domain_code, page_title, assumeNotNull(count) AS views
        FROM pages
        WHERE (domain_code, page_title) NOT IN (SELECT domain_code, page_title FROM listed)
    ),
    tops AS (
        SELECT * FROM %s ORDER BY domain_code, views DESC, page_title LIMIT 25 BY domain_code
    )
SELECT
    domain_code,
    toUInt32(row_number() OVER (PARTITION BY domain_code ORDER BY views DESC, page_title)) AS rank,
    page_title,
    views
FROM tops
ORDER BY domain_code, rank
INTO OUTFILE '%s'
FORMAT Parquet
"""


def main() -> None:
    """Run the query that does everything."""
    dump, blacklist, output = sys.argv[1:]
    with chdb.connect(":memory:") as connection:
        connection.query(QUERY % ("kept", output), params={"dump": dump, "blacklist": blacklist})


if __name__ == "__main__":
    main()
