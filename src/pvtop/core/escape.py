"""Escape and shorten text from elsewhere, so that it is safe to show."""

from __future__ import annotations

import re

# Control characters, line and paragraph separators, and what changes the direction of text: embeddings, overrides,
# isolates and marks. A pattern for Python and for Polars.
UNSAFE_CHARACTERS = r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
MAX_MESSAGE_LENGTH = 300  # characters in a message; no title of a wiki has more than 255 bytes


def printable(text: str) -> str:
    r"""Return the text with every unsafe character escaped: `\x1b`, `\u2028`, `\u202e`.

    A terminal or an editor would act on such a character instead of showing it.
    """
    return text if text.isprintable() else re.sub(UNSAFE_CHARACTERS, lambda match: _escaped(match[0]), text)


def shorten(text: str) -> str:
    """Return the text, cut and followed by its length if it is too long for a message."""
    return text if len(text) <= MAX_MESSAGE_LENGTH else f"{text[:MAX_MESSAGE_LENGTH]}... ({len(text):,} characters)"


def printable_json(document: str) -> str:
    r"""Return a JSON document with every unsafe character escaped as JSON does: `\u001b`.

    Line ends stay: they are between the values, as strings in JSON contain none.
    """
    return re.sub(rf"(?!\n){UNSAFE_CHARACTERS}", lambda match: f"\\u{ord(match[0]):04x}", document)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - two hexadecimal digits
