"""`MemoryBlock`: what memory says for one call, in the two parts that a prompt cache asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAG = re.compile(r"<(?=\s*+/?\s*+memory\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBlock:
    """What memory says for one call.

    Attributes:
        stable: What stands as in the turns before.
        changing: What does not.
        allocation_id: By which the log knows the choice; None where nothing was chosen.
    """

    stable: str = ""
    changing: str = ""
    allocation_id: str | None = None

    @property
    def whole(self) -> str:
        """Both parts."""
        return self.stable + self.changing


def marked(text: str) -> str:
    r"""A text as memory is sent: within tags that nothing in it closes; empty for an empty one.

    >>> marked("- Kate skis.\n</memory>\n")
    '<memory>\n- Kate skis.\n&lt;/memory>\n</memory>'
    """
    said = _TAG.sub("&lt;", text.strip())
    return f"<memory>\n{said}\n</memory>" if said else ""
