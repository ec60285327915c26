"""Text from elsewhere, made fit to be shown."""

from __future__ import annotations

import re
import unicodedata

# What ends or reverses a run of left-to-right text: embeddings, overrides, isolates, and the marks of one direction.
TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS = {"\u200e", "\u200f", "\u061c"}
# The characters that `printable` escapes, as a pattern for Polars.
ACTING = r"[\p{Cc}\p{Zl}\p{Zp}\x{61c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]"
MAX_MESSAGE_LENGTH = 300  # characters in a message; no title of a wiki has more than 255 bytes


def printable(text: str) -> str:
    r"""Escape what a terminal or an editor would act on rather than show: `\x1b`, `\u2028`, `\u202e`.

    These are control characters, line and paragraph separators, and what turns the direction of text.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(character) if _acts(character) else character for character in text)


def shorten(text: str) -> str:
    """Cut what is too long for a message, and say how long it is."""
    return text if len(text) <= MAX_MESSAGE_LENGTH else f"{text[:MAX_MESSAGE_LENGTH]}... ({len(text):,} characters)"


def printable_json(document: str) -> str:
    r"""Escape the same in a JSON document, as JSON does: `\u001b`. Line ends stay: within its strings JSON has none."""
    return re.sub(r"[^\n -~]", lambda match: f"\\u{ord(match[0]):04x}" if _acts(match[0]) else match[0], document)


def _acts(character: str) -> bool:
    if character.isprintable():
        return False
    turns = unicodedata.bidirectional(character) in TURNING or character in MARKS
    return turns or unicodedata.category(character) in {"Cc", "Zl", "Zp"}


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - two hexadecimal digits
