"""What a failure prints: the message on stderr and, with --json, an error document on stdout."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import typer

from pvtop.cli.hints import hint, reword
from pvtop.cli.output import Output
from pvtop.cli.streams import RED, LogFormat, say
from pvtop.core.errors import OutputError, PvtopError, UsageError, internal_error, interrupted
from pvtop.core.redaction import redacted


@contextlib.contextmanager
def exit_on_failure(out: Output) -> Iterator[None]:
    """Explain a failure or an interrupt of a command, and end the run with its exit code."""
    try:
        yield
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - the edge of a command: even a panic of Polars ends in a message
        raise typer.Exit(explain(error, out)) from None


def explain(error: BaseException, out: Output) -> int:
    """Print a failure and return its exit code. With --verbose, print the traceback too."""
    failure = _as_failure(error)
    advice = redacted(hint(failure, out.options))
    fields = {
        "type": type(failure).__name__,
        "message": redacted(str(failure)),
        "hint": advice,
        "exit_code": failure.exit_code,
    }
    if out.log_format is LogFormat.JSON:
        _log(error, fields)
    else:
        _say(error, failure, advice)
    with contextlib.suppress(OutputError):  # stdout may be what has failed
        out.failure({"error": fields})
    return failure.exit_code


def output_asked_for(arguments: Sequence[str]) -> Output:
    """Return the output for arguments that Typer has refused, so that the failure has the form they ask for."""
    words = list(arguments)
    words = words[: words.index("--")] if "--" in words else words
    log_as_json = "--log-format=json" in words or ("--log-format", "json") in pairwise(words)
    return Output(json="--json" in words, log_format=LogFormat.JSON if log_as_json else LogFormat.TEXT)


def _as_failure(error: BaseException) -> PvtopError:
    """Return an exception as one of pvtop's."""
    if isinstance(error, PvtopError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return interrupted(error, "nothing is half-written")
    if isinstance(error, typer.Abort):  # at a question, Typer turns an interrupt into this
        if isinstance(error.__context__, KeyboardInterrupt):
            return interrupted(error.__context__, "nothing was done")
        return PvtopError("aborted: nothing was done")
    if refusal := _refusal(error):
        reword(refusal)
        return UsageError(refusal.format_message(), f"see {refusal.ctx.command_path} --help" if refusal.ctx else "")
    return internal_error(error)


def _refusal(error: BaseException) -> Any | None:  # noqa: ANN401 - Typer's class has no public name
    """Return the error if Typer has refused the arguments. It can show how the command is used."""
    return error if hasattr(error, "show") else None


def _log(error: BaseException, fields: dict[str, object]) -> None:
    import logging

    log = logging.getLogger("pvtop")
    rest = {name: value for name, value in fields.items() if name != "message"}
    log.error("%s", fields["message"], exc_info=error if _is_verbose() else None, extra={"fields": rest})


def _say(error: BaseException, failure: PvtopError, advice: str) -> None:
    if refusal := _refusal(error):
        usage = io.StringIO()
        refusal.show(usage)
        say(redacted(usage.getvalue().rstrip()))
        return
    if _is_verbose():
        import traceback

        say(redacted("".join(traceback.format_exception(error)).rstrip()))
    say(redacted(f"pvtop: {failure}"), colour=RED)
    if advice:
        say(f"  {advice}")


def _is_verbose() -> bool:
    import logging

    return logging.getLogger("pvtop").isEnabledFor(logging.DEBUG)
