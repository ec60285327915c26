"""Shared by the contenders that are not SQL engines: the blacklist, the rule for quoted titles, the Parquet file.

python common.py spell BLACKLIST         print every excluded page as `code title`, in both spellings
python common.py pack OUTPUT             write Parquet from ranked lines `code title views` on standard input
"""

import contextlib
import re
import sys
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pyarrow as pa
import pyarrow.parquet as pq

TOP = 25
MOST = 2**63 - 1  # the largest count that a dump may hold
QUOTED = re.compile(r'"(?:[^"\\]|\\["\\])*"')
ESCAPED = re.compile(r'\\(["\\])')
SCHEMA = pa.schema(
    [
        ("domain_code", pa.string()),
        ("rank", pa.uint32()),
        ("page_title", pa.string()),
        ("views", pa.int64()),
    ]
)


class Title(str):
    """A title in reverse order, so that a heap drops the last title of a tie."""

    __slots__ = ()
    __lt__ = str.__gt__


def listed(path: str) -> set[tuple[str, str]]:
    """Return the code and title of every entry of a blacklist, as written and percent-decoded."""
    pages = set()
    for line in Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        code, _, title = line.rstrip().partition(b" ")
        if title:
            domain = "" if code == b'""' else code.decode("utf-8", "replace")
            pages.add((domain, title.decode("utf-8", "replace").replace(" ", "_")))
            if b"%" in title:
                with contextlib.suppress(UnicodeDecodeError):  # then only the title as written counts
                    pages.add((domain, unquote_to_bytes(title).decode().replace(" ", "_")))
    return pages


def decode(written: str) -> str:
    r"""Decode a title of a dump, by the rule for both eras of the format."""
    if '\\"' in written and QUOTED.fullmatch(written):
        return ESCAPED.sub(r"\1", written[1:-1])
    return written


def write(pages: Iterable[tuple[str, int, str, int]], path: str) -> None:
    """Write the answer as Parquet: domain code, rank, title, views."""
    columns = list(zip(*pages, strict=True)) or [()] * len(SCHEMA)
    pq.write_table(pa.table(columns, schema=SCHEMA), path, compression="zstd")


def main() -> None:
    """Run the subcommand in the first argument."""
    step, path = sys.argv[1:]
    if step == "spell":
        lines = (f"{code} {title}\n" for code, title in listed(path))
        sys.stdout.buffer.write("".join(lines).encode())
        return
    rows = (line.decode("utf-8", "replace").rstrip("\n").split(" ") for line in sys.stdin.buffer)
    ranked = (
        (code, rank, title, int(views))
        for code, pages in groupby(rows, key=itemgetter(0))
        for rank, (_, title, views) in enumerate(pages, 1)
    )
    write(ranked, path)


if __name__ == "__main__":
    main()
