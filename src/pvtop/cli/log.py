"""The log of a command on stderr: plain lines, or one JSON object a line."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from pvtop.cli.streams import RED, YELLOW, LogFormat, say
from pvtop.core.escape import printable_json
from pvtop.core.redaction import redacted


def open_log(*, quiet: bool, verbose: bool, log_format: LogFormat) -> None:
    """Log to stderr. If `quiet`, log only errors. If `verbose`, log every detail."""
    logger = logging.getLogger("pvtop")
    logger.handlers = [_StderrHandler(log_format)]
    logger.setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO)
    logging.getLogger("stamina").addHandler(logging.NullHandler())  # pvtop logs the retries itself


class _StderrHandler(logging.Handler):
    """Write to the current `sys.stderr`, so that lines appear above a progress bar and do not break it."""

    def __init__(self, log_format: LogFormat) -> None:
        super().__init__()
        self._format = log_format
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        colour = RED if record.levelno >= logging.ERROR else YELLOW if record.levelno >= logging.WARNING else ""
        say(self._line(record), "" if self._format is LogFormat.JSON else colour)

    def _line(self, record: logging.LogRecord) -> str:
        if self._format is LogFormat.JSON:
            import json

            time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            fields = getattr(record, "fields", {})
            if record.exc_info:
                fields = fields | {"traceback": redacted(self._formatter.formatException(record.exc_info))}
            message = {"time": time, "level": record.levelname.lower(), "message": record.getMessage(), **fields}
            return printable_json(json.dumps(message, ensure_ascii=False, default=str))
        prefix = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        text = self.format(record)
        return prefix + (redacted(text) if record.exc_info else text)  # a traceback may contain secrets of an address
