"""The top pages with a heap for each domain, in plain Python: python with_heap.py DUMP BLACKLIST OUTPUT.

The obvious program: it parses every line by the rules, then offers it to the heap of its domain. It shares no code with
pvtop, so its answer is also the reference that the others are compared with.
"""

import gzip
import heapq
import sys
from collections import defaultdict
from collections.abc import Iterator

from common import MOST, TOP, Title, decode, listed, write


def pages(dump: str) -> Iterator[tuple[str, str, int]]:
    """Yield the domain code, title and views of every well-formed line."""
    with gzip.open(dump, "rt", encoding="utf-8", errors="replace", newline="\n") as lines:
        for line in lines:
            fields = line.rstrip("\r\n").split(" ")
            if len(fields) != 4 or not fields[1] or not is_count(fields[2]) or not is_count(fields[3]):
                continue
            yield "" if fields[0] == '""' else fields[0], decode(fields[1]), int(fields[2])


def is_count(field: str) -> bool:
    """Return whether a field is a valid count."""
    return field.isascii() and field.isdigit() and int(field) <= MOST


def main() -> None:
    """Read the dump once, and keep the most viewed pages of every domain."""
    dump, blacklist, output = sys.argv[1:]
    left_out = listed(blacklist)
    heaps: defaultdict[str, list[tuple[int, Title]]] = defaultdict(list)
    for code, title, views in pages(dump):
        if title == "-" or (code, title) in left_out:
            continue
        heap = heaps[code]
        if len(heap) < TOP:
            heapq.heappush(heap, (views, Title(title)))
        else:
            heapq.heappushpop(heap, (views, Title(title)))
    write(
        (
            (code, rank, str(title), views)
            for code, heap in sorted(heaps.items())
            for rank, (views, title) in enumerate(sorted(heap, reverse=True), 1)
        ),
        output,
    )


if __name__ == "__main__":
    main()
