"""Measure the steps of a process: seconds, CPU seconds, and peak memory."""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, process_time

KIB = 1 if sys.platform == "darwin" else 1024  # bytes in a unit of the peak memory


class Steps:
    """The figures of the steps by name. A step that is measured several times has the sums of its times.

    Attributes:
        figures: For each name the wall time, the CPU time of this process, and its peak memory until then, in bytes.
    """

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, float]] = {}

    @contextmanager
    def timed(self, *names: str) -> Iterator[None]:
        """Measure a block, and add its figures to the steps with these names."""
        started, cpu = perf_counter(), process_time()
        yield
        taken = {"seconds": perf_counter() - started, "cpu": process_time() - cpu}
        for name in names:
            figures = self.figures.setdefault(name, {"seconds": 0.0, "cpu": 0.0, "peak": 0.0})
            for field, value in taken.items():
                figures[field] += value
            figures["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB

    def divide(self, name: str, count: int) -> None:
        """Divide the times of a step by a number of repetitions."""
        for field in ("seconds", "cpu"):
            self.figures[name][field] /= count
