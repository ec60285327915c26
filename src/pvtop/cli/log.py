"""The log of a command: lines on stderr, or one JSON object a line."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from pvtop.cli.streams import say
from pvtop.core.address import redacted
from pvtop.core.escape import printable_json


def open_log(*, quiet: bool, verbose: bool, as_json: bool) -> None:
    """Log what pvtop tells: errors alone, what is done, or every detail."""
    logger = logging.getLogger("pvtop")
    logger.handlers = [_StderrHandler(as_json=as_json)]
    logger.setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO)
    logging.getLogger("stamina").addHandler(logging.NullHandler())  # its retries are in pvtop's own log


class _StderrHandler(logging.Handler):
    """Log to what is stderr at the moment, so that lines stand above a progress bar rather than in it."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def emit(self, record: logging.LogRecord) -> None:
        say(self._line(record))

    def _line(self, record: logging.LogRecord) -> str:
        if self._as_json:
            time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            fields = getattr(record, "fields", {})
            message = {"time": time, "level": record.levelname.lower(), "message": record.getMessage(), **fields}
            return printable_json(json.dumps(message, ensure_ascii=False, default=str))
        prefix = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        text = self.format(record)
        return prefix + (redacted(text) if record.exc_info else text)  # a traceback quotes addresses as they are
