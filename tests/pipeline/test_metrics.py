"""Metrics, as a DogStatsD server receives them."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable
from pathlib import Path

from pvtop.pipeline.batch import run_hours
from pvtop.pipeline.hour import run_hour
from pvtop.settings import Settings
from support.samples import DATA, DAY, serve
from support.server.behaviours import status
from support.server.files import File, Server


def metrics_of(act: Callable[[Settings], object], settings: Settings) -> list[str]:
    """Return the lines that a DogStatsD server receives during an act, as `name:value|type|#tags`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.2)  # loopback delivers before the sender goes on: nothing arrives later
        act(settings.model_copy(update={"statsd": f"127.0.0.1:{listener.getsockname()[1]}"}))
        heard = []
        with contextlib.suppress(TimeoutError):
            while True:
                heard.append(listener.recv(4096).decode().strip())
        return heard


def test_metrics_of_a_made_hour(server: Server) -> None:
    settings = serve(server, DAY[:1])
    server.script[f"/{DAY[0].dump_path}"] = [status(503)]
    heard = dict(line.split(":", 1) for line in metrics_of(lambda it: run_hours(DAY[:1], it), settings))
    made = run_hour(DAY[0], settings)
    sizes = [Path(path).stat().st_size for path in (made.text, made.top_pages, made.domains)]
    page = (DATA.parent / "docs" / "unattended.md").read_text()
    assert {*heard, "pvtop.failures"} == set(re.findall(r"^\| `(pvtop\.[a-z_.]+)`", page, re.MULTILINE))
    assert heard.pop("pvtop.download.seconds").endswith("|ms")
    assert heard.pop("pvtop.compute.seconds").endswith("|ms")
    assert heard == {
        "pvtop.retries": "1|c",
        "pvtop.hours": "1|c|#outcome:made",
        "pvtop.dump.lines": f"{made.provenance.rows}|c",
        "pvtop.dump.bytes": f"{made.provenance.dump_bytes}|c",
        "pvtop.dump.malformed_lines": "0|c",
        "pvtop.report.entries": f"{made.provenance.entries}|g",
        "pvtop.report.bytes": f"{sum(sizes)}|g",
    }


def test_metrics_of_failed_missing_and_unchanged_hours(server: Server) -> None:
    settings = serve(server, DAY[:2])
    server.files[f"/{DAY[1].dump_path}"] = File(b"junk")
    assert metrics_of(lambda it: run_hours(DAY[1:3], it), settings) == [
        "pvtop.hours:1|c|#outcome:not_published", "pvtop.hours:1|c|#outcome:failed", "pvtop.failures:1|c"
    ]  # fmt: skip
    run_hour(DAY[0], settings)
    assert metrics_of(lambda it: run_hour(DAY[0], it), settings) == ["pvtop.hours:1|c|#outcome:unchanged"]
