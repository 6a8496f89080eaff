"""Examples in docstrings become blocks of code on the pages of the API.

griffe knows examples under a heading `Examples:` alone; here they stand in the text, where Markdown
would take `>>>` for a quotation.
"""

from __future__ import annotations

from typing import Any

import griffe

FENCE = "```"


def fenced(text: str) -> str:
    r"""The text with a fence around each example, which ends at an empty line.

    >>> fenced("Adds.\n\n>>> 1 + 1\n2").splitlines()
    ['Adds.', '', '```pycon', '>>> 1 + 1', '2', '```']
    """
    lines: list[str] = []
    inside = False
    for line in [*text.splitlines(), ""]:
        if not inside and line.startswith(">>> "):
            lines.append(f"{FENCE}pycon")
            inside = True
        elif inside and not line:
            lines.append(FENCE)
            inside = False
        lines.append(line)
    return "\n".join(lines[:-1])


class Doctests(griffe.Extension):
    """Fences the examples of every docstring, before it is cut into its sections."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of a module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)
