"""The clock of an event loop, which a test sets forward: time-outs pass without waiting."""

from __future__ import annotations

import asyncio

import pytest


class LoopClock:
    """The clock of the running event loop.

    Attributes:
        ahead: Seconds by which it is ahead of the machine's clock. May be raised from any thread.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        loop = asyncio.get_running_loop()
        machine = loop.time
        monkeypatch.setattr(loop, "time", lambda: machine() + self.ahead)

    async def set_forward(self, seconds: float) -> None:
        """Set the clock forward, and let every timer that is due fire."""
        self.ahead += seconds
        for _ in range(10):
            await asyncio.sleep(0)
