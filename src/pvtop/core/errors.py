"""The exceptions of pvtop.

```
PvtopError                    exit code 1
├── UsageError                          2   a wrong argument, setting or configuration file
├── SourceError                         1   a source cannot be read
│   ├── UnreachableError                1   ... right now; try again
│   │   ├── NoConnectionError           1   ... and has not answered before in this run; try again once
│   │   └── RangeError                  1   ... from the middle; try again from the start
│   ├── NotPublishedError               3   the source does not have the hour (yet)
│   ├── NotFoundError                   1   there is no file at this address
│   └── CorruptError                    1   a file is truncated, damaged, or of another kind
├── MalformedError                      5   too many lines of a dump are malformed
├── BlacklistError                      1   the blacklist cannot be read
├── OutputError                         1   the lake or the cache cannot be read or written
├── MartError                           1   the mart cannot be read or written
├── InvalidReportError                  5   a report breaks a rule
├── NotInLakeError                      3   the hour or the day is not in the lake (yet)
│   └── NoDayFilesError                 3   the lake has no day file of the days that are needed
├── ExhaustedError                      1   the machine has no thread, file descriptor or memory left for pvtop
├── InterruptedRunError               130   a signal ended the run
└── HoursFailedError                    4   some hours of a batch failed
```
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TypeGuard

OPEN_FILES = "raise the limit on open files (ulimit -n)"
EXHAUSTED = {
    errno.EAGAIN: (
        "raise the limit on processes and threads (ulimit -u, the container's limit on pids), or on memory (ulimit -v)"
    ),
    errno.EMFILE: OPEN_FILES,
    errno.ENFILE: OPEN_FILES,
    errno.ENOMEM: "free some memory, or raise the limit on it (ulimit -v, or the container's)",
}
"""What to do if the operating system refuses a thread, a file descriptor or memory, by error number."""


class PvtopError(Exception):
    """An expected failure. The command line shows its message and hint instead of a traceback.

    The hint is also attached as a note, so that a traceback in a notebook shows it.

    Args:
        message: What went wrong, and where. Also `str()` of the error.
        hint: What to do about it. May be empty. Names no option of the command line.
        setting: The field of `Settings` that the hint is about, if any.
        remedy: The key of the command line's own advice (`pvtop.cli.hints`), if it has any.
        about: The hour or the day that this advice is about, if it is known: `2019-04-01T12` or `2019-04-01`.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "", setting: str = "", remedy: str = "", about: str = "") -> None:
        super().__init__(message, hint, setting, remedy)
        self.message = message
        self.hint = hint
        self.setting = setting
        self.remedy = remedy
        self.about = about
        if hint:
            self.add_note(f"{hint} (setting: {setting})" if setting else hint)

    def __str__(self) -> str:
        return self.message


class UsageError(PvtopError):
    """An argument, a setting or the configuration file is wrong."""

    exit_code = 2


class SourceError(PvtopError):
    """A source cannot be read."""


class UnreachableError(SourceError):
    """A server did not answer, or the connection was lost. Another try may succeed.

    Args:
        message: What went wrong, and where.
        hint: What to do about it.
        setting: The field of `Settings` that the hint is about, if any.
        remedy: The key of the command line's own advice, if it has any.
        retry_after: Seconds to wait before the next try, if the server asked for that.
    """

    def __init__(
        self, message: str, hint: str = "", setting: str = "", remedy: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint, setting, remedy)
        self.retry_after = retry_after


class NoConnectionError(UnreachableError):
    """A server that has not answered before has no address or accepts no connection. A second try may succeed."""


class RangeError(UnreachableError):
    """A server does not resume an interrupted transfer. Another try from the start may succeed."""


class NotPublishedError(SourceError):
    """The source does not have the hour (yet)."""

    exit_code = 3


class NotFoundError(SourceError):
    """There is no file at this address."""


class CorruptError(SourceError):
    """A file is truncated, damaged, empty, or not of the kind it should be."""


class MalformedError(PvtopError):
    """The share of malformed lines in a dump is above the limit."""

    exit_code = 5


class BlacklistError(PvtopError):
    """The blacklist cannot be read, or the file is not a blacklist."""


class OutputError(PvtopError):
    """The lake or the cache cannot be read or written."""


class MartError(PvtopError):
    """The mart cannot be read or written."""


class InvalidReportError(PvtopError):
    """A report breaks a rule. If it was just computed, it was not written."""

    exit_code = 5


class NotInLakeError(PvtopError):
    """The hour or the day is not in the lake (yet)."""

    exit_code = 3


class NoDayFilesError(NotInLakeError):
    """The lake has no day file of the days that are needed.

    Args:
        message: What went wrong, and where.
        hint: What to do about it.
        setting: The field of `Settings` that the hint is about, if any.
        remedy: The key of the command line's own advice, if it has any.
        days: The days as `2019-04-01`, in order. Empty if any day would do.
    """

    def __init__(
        self, message: str, hint: str = "", setting: str = "", remedy: str = "", days: Sequence[str] = ()
    ) -> None:
        super().__init__(message, hint, setting, remedy)
        self.days = days


class ExhaustedError(PvtopError):
    """The machine has no thread, file descriptor or memory left for pvtop."""


class InterruptedRunError(PvtopError):
    """A signal ended the run. Finished hours are in the lake."""

    exit_code = 130


class HoursFailedError(PvtopError):
    """Some hours of a batch failed. The others are in the lake."""

    exit_code = 4


def exhausted(error: BaseException) -> ExhaustedError | None:
    """Return the error to show for an exception that means that the machine is exhausted, None for any other.

    Python's threads and Polars do not give the number of the operating system's error, so this reads their texts.
    """
    number, text = getattr(error, "errno", None), str(error)
    if isinstance(error, OSError) and error.strerror:
        text = ": ".join(filter(None, [error.strerror.lower(), error.filename and str(error.filename)]))
    if "start new thread" in text or "Resource temporarily unavailable" in text:
        number, text = errno.EAGAIN, "the machine refuses another thread"
    elif "Too many open files" in text:
        number, text = errno.EMFILE, "too many open files"
    elif isinstance(error, MemoryError):
        number, text = errno.ENOMEM, "the machine has no memory left"
    return ExhaustedError(text, EXHAUSTED[number]) if number in EXHAUSTED else None


def internal_error(error: BaseException) -> PvtopError:
    """Return the error to show for an exception that nobody expected."""
    reason = str(error).partition("\n")[0]
    return exhausted(error) or PvtopError(
        f"internal error: {type(error).__name__}: {reason}", "this is a bug in pvtop; please report it", remedy="bug"
    )


def interrupted(interrupt: KeyboardInterrupt, kept: str) -> InterruptedRunError:
    """Return the error for a run that a signal has ended.

    Args:
        interrupt: The interrupt. Its argument is the exit code, if it has one.
        kept: What the run has left, as a clause.
    """
    error = InterruptedRunError(f"interrupted: {kept}; run it again to go on")
    error.exit_code = next(iter(interrupt.args), InterruptedRunError.exit_code)
    return error


def is_transient(error: BaseException) -> TypeGuard[UnreachableError]:
    """Return whether another try may succeed."""
    return isinstance(error, UnreachableError)
