"""The lines at the end of a tool's result that tell what went wrong.

Test runners and compilers sum up what failed in their last lines; 40 hold the failures of a long
pytest run, and the frames of a traceback that matter.

>>> list(telling_places(["1 passed", "ValueError: no key", "", "exit code 1"]))
[3, 1]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

LAST_LINES = 40
_ERROR = re.compile(
    r"(?i:\b(?:err!|(?:error|exception|fail(?:ed|ure|ures)?|fatal|panic|panicked|traceback|denied)\b))"
    r"|\b[A-Z]\w*(?:Error|Exception|Failure|Warning|Interrupt)\b"
    r"|(?i:\bexit(?:ed)? (?:code|status|with)\b)"
)


def telling_places(lines: Sequence[str]) -> Iterator[int]:
    """Places of the last line and of each that tells of an error, each text once, from the end.

    Nothing where none of the last lines tells of an error.
    """
    first = max(0, len(lines) - LAST_LINES)
    last = [place for place in range(len(lines) - 1, first - 1, -1) if lines[place].strip()]
    telling = [place for place in last if _ERROR.search(lines[place])]
    seen: set[str] = set()
    for place in dict.fromkeys([*last[:1], *telling]) if telling else ():
        line = lines[place].strip()
        if line not in seen:
            seen.add(line)
            yield place
