"""The top pages with a heap for each domain, in plain Python, tuned: python with_pruned_heap.py DUMP BLACKLIST OUTPUT.

Lines stay bytes. Most of them are dropped because of their count, before any text is decoded or looked up.
"""

import gzip
import sys
from collections import defaultdict
from heapq import heappush, heappushpop

from common import MOST, TOP, Title, decode, listed, write


def main() -> None:
    """Read the dump once, and drop most lines because of their count."""
    dump, blacklist, output = sys.argv[1:]
    left_out = listed(blacklist)
    heaps: defaultdict[bytes, list[tuple[int, Title]]] = defaultdict(list)
    with gzip.open(dump) as lines:
        for line in lines:
            fields = line.rstrip(b"\r\n").split(b" ")
            if len(fields) != 4 or not fields[1] or not fields[2].isdigit() or not fields[3].isdigit():
                continue
            code, views = fields[0], int(fields[2])
            heap = heaps[b"" if code == b'""' else code]
            if (len(heap) == TOP and views < heap[0][0]) or views > MOST:
                continue
            title = decode(fields[1].decode("utf-8", "replace"))
            domain = "" if code == b'""' else code.decode("utf-8", "replace")
            if title == "-" or (domain, title) in left_out:
                continue
            page = (views, Title(title))
            if len(heap) < TOP:
                heappush(heap, page)
            else:
                heappushpop(heap, page)
    write(
        (
            (code.decode("utf-8", "replace"), rank, str(title), views)
            for code, heap in sorted(heaps.items())
            for rank, (views, title) in enumerate(sorted(heap, reverse=True), 1)
        ),
        output,
    )


if __name__ == "__main__":
    main()
