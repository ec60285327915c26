"""Make the report of an hour step by step in this process, and measure each step.

    python stages.py HOUR SOURCE BLACKLIST CACHE

Prints JSON: for each step its name, its seconds, and the peak resident memory until its end, in bytes. The last step
reads the same dump again and discards the rows.
"""

import json
import resource
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

T = TypeVar("T")

STEPS: list[dict[str, Any]] = []


def step(name: str, work: Callable[[], T]) -> T:
    """Run a step and record its figures. Return its result."""
    started = perf_counter()
    made = work()
    seconds = perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    STEPS.append({"name": name, "seconds": seconds, "peak": peak})
    return made


def main() -> None:
    """Run the stages of the command one by one. An earlier run has left the parsed blacklist in the cache."""
    stamp, source, blacklist, cache = sys.argv[1:]
    from pvtop.cli import limit_arenas

    limit_arenas()
    step("importing", _import)
    from pvtop.core.hour import Hour
    from pvtop.lake.lake import Lake
    from pvtop.pipeline.compute import compute_report
    from pvtop.pipeline.lookup import configured_blacklist
    from pvtop.settings import Settings
    from pvtop.sources.dumps import find_dump, scan_rows
    from pvtop.validation.acceptance import accept

    settings = Settings.load(source=source, blacklist=blacklist, output="lake", cache_dir=cache)
    hour, lake = Hour.parse(stamp), Lake(settings.output)
    pages = step("reading the blacklist, as it was parsed before", lambda: configured_blacklist(settings))
    dump = step("finding the dump, and its digest", lambda: find_dump(hour, settings))
    if dump is None:
        sys.exit(f"{source} is not a folder")
    report = step("computing the report", lambda: compute_report(hour, dump, pages, settings))
    step("validating", lambda: accept(report, pages.pages, lake, settings))
    step("writing Parquet and text", lambda: lake.write(report))
    rows = scan_rows(dump.path).map_batches(lambda chunk: chunk.head(0), streamable=True)
    step("the scan alone: inflating, splitting, typing, the proof", lambda: rows.collect(engine="streaming"))
    json.dump(STEPS, sys.stdout)


def _import() -> None:
    import pvtop.pipeline.hour  # noqa: F401


if __name__ == "__main__":
    main()
