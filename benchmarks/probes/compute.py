"""Time the compute part of a report alone, after imports, in this process.

    python compute.py HOUR SOURCE BLACKLIST OUTPUT

Prints the seconds of `compute_report` as JSON, and writes its answer to OUTPUT as Parquet.
"""

import json
import sys
from time import perf_counter

from pvtop import Hour, Settings
from pvtop.pipeline.compute import compute_report
from pvtop.pipeline.lookup import configured_blacklist
from pvtop.sources.dumps import find_dump


def main() -> None:
    """Load the inputs, then measure."""
    stamp, source, blacklist, output = sys.argv[1:]
    settings = Settings.load(source=source, blacklist=blacklist)
    hour = Hour.parse(stamp)
    pages, dump = configured_blacklist(settings), find_dump(hour, settings)
    if dump is None:
        sys.exit(f"{source} is not a folder")
    started = perf_counter()
    report = compute_report(hour, dump, pages, settings)
    seconds = perf_counter() - started
    report.top_pages.write_parquet(output)
    json.dump({"seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
