"""Write docs/licences.md: the licences of what `mba-integrations[all]` installs.

Run it where the extra `all` is installed: python docs/licences.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).with_name("licences.md")
_ROOT = "mba-integrations"
_ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)
_HEAD = """# Licences of dependencies

What `pip install 'mba-integrations[all]'` brings, and the licence that each package states of
itself. Made by `python docs/licences.py` from the metadata of an installation on Linux with Python
3.11; a test finds out whether it is up to date. The project itself is under Apache-2.0.

| package | licence |
| --- | --- |
"""


def licence_of(package: Distribution) -> str:
    """As the metadata has it: an expression, else classifiers, else the beginning of a text."""
    found = package.metadata
    if "License-Expression" in found:
        return found["License-Expression"]
    classifiers = [line for line in found.get_all("Classifier") or () if "License ::" in line]
    named = [line.rpartition(" :: ")[2] for line in classifiers if not line.endswith("Approved")]
    texts = found.get_all("License") or ["not stated"]
    return ", ".join(named) or texts[0].strip().splitlines()[0]


def required(name: str, extra: str = "") -> Iterator[tuple[str, str]]:
    """What a package with an extra needs here: names with their extras."""
    for line in distribution(name).requires or ():
        one = Requirement(line)
        if one.marker is None or one.marker.evaluate({"extra": extra}):
            yield from ((canonicalize_name(one.name), wanted) for wanted in ("", *one.extras))


def licences() -> dict[str, str]:
    """Every package below `mba-integrations[all]`, by name."""
    seen: set[tuple[str, str]] = set()
    waiting = [(_ROOT, ""), (_ROOT, "all")]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        try:
            waiting.extend(required(*one))
        except PackageNotFoundError:
            seen.discard(one)
    names = sorted({name for name, _ in seen} - {_ROOT})
    return {name: licence_of(distribution(name)) for name in names}


def listed() -> dict[str, str]:
    """What the page says."""
    return dict(_ROW.findall(PAGE.read_text(encoding="utf-8")))


def main() -> None:
    """Write the page."""
    rows = "".join(f"| `{name}` | {licence} |\n" for name, licence in licences().items())
    PAGE.write_text(_HEAD + rows, encoding="utf-8")


if __name__ == "__main__":
    main()
