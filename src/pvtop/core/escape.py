"""Make text from elsewhere safe to show."""

from __future__ import annotations

import re
import unicodedata

# Characters that change the direction of text: embeddings, overrides and isolates by class, and the direction marks.
DIRECTION_CLASSES = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
DIRECTION_MARKS = {"\u200e", "\u200f", "\u061c"}
# The characters that `printable` escapes, as a pattern for Polars.
UNSAFE = r"[\p{Cc}\p{Zl}\p{Zp}\x{61c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]"
MAX_MESSAGE_LENGTH = 300  # characters; no title of a wiki has more than 255 bytes


def printable(text: str) -> str:
    r"""Escape the characters of a text that would act on a terminal or an editor: `\x1b`, `\u2028`, `\u202e`.

    These are control characters, line and paragraph separators, and characters that change the direction of text.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(character) if _is_unsafe(character) else character for character in text)


def shorten(text: str) -> str:
    """Return a text cut to the length of a message. If it is cut, append its full length."""
    return text if len(text) <= MAX_MESSAGE_LENGTH else f"{text[:MAX_MESSAGE_LENGTH]}... ({len(text):,} characters)"


def printable_json(document: str) -> str:
    r"""Escape the characters that `printable` escapes in a JSON document, as JSON does: `\u001b`.

    Line ends stay: JSON has none within its strings.
    """
    return re.sub(r"[^\n -~]", lambda match: f"\\u{ord(match[0]):04x}" if _is_unsafe(match[0]) else match[0], document)


def _is_unsafe(character: str) -> bool:
    if character.isprintable():
        return False
    turns_text = unicodedata.bidirectional(character) in DIRECTION_CLASSES or character in DIRECTION_MARKS
    return turns_text or unicodedata.category(character) in {"Cc", "Zl", "Zp"}


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - two hexadecimal digits
