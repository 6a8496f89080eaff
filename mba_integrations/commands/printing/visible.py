"""Text made safe to print: nothing in it steers the terminal or passes for another line.

Names of files, ids and texts come from others. An escape sequence in one can recolour the screen,
set the window's title or, on some terminals, type; a line end can forge a line of ours; a character
that turns the direction of writing shows a name other than it is. Each such character is replaced
by U+FFFD, which keeps the length. Letters of every script, emoji and their joiners stay.
"""

from __future__ import annotations

import re

# C0 and C1 controls but tab and line feed, separators of lines and paragraphs, lone surrogates, and
# the controls of writing direction (Unicode 16, section 23.2).
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb]"
)
_REPLACED = "\ufffd"


def visible(text: str) -> str:
    """*text* with its lines, without characters that steer a terminal.

    >>> visible("a\\x1b[31mb\\n")
    'a\ufffd[31mb\\n'
    """
    return _UNSAFE.sub(_REPLACED, text.replace("\r\n", "\n"))


def in_one_line(text: str) -> str:
    """*text* without line ends and tabs too: a name or an id within a line of ours.

    >>> in_one_line("a\\nmba: done")
    'a\ufffdmba: done'
    """
    return visible(text).replace("\n", _REPLACED).replace("\t", _REPLACED)


def one_line(text: str, *, max_chars: int) -> str:
    """The beginning on one line, blanks joined.

    >>> one_line("a\\nbcdef", max_chars=5)
    'a bc…'
    """
    flat = " ".join(text[: 4 * max_chars].split())
    cut = flat if len(flat) <= max_chars else flat[: max_chars - 1] + "…"
    return in_one_line(cut)


def json_escaped(text: str) -> str:
    """JSON whose strings write the same characters as `\\uXXXX`; it parses to the same value.

    >>> json_escaped('"\\x9b"')
    '"\\\\u009b"'
    """
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
