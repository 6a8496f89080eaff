"""From PyYAML's nodes to plain values, with the line of each key and what is wrong on the way.

Merge keys (`<<`) and aliases are written out, in time linear in what they become; a text that
would become more than 100,000 values or 64 levels is refused, and so is one that contains itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

KeyPath = tuple[str, ...]
Pairs = dict[str, "tuple[yaml.Node, yaml.Node]"]

MAX_VALUES = 100_000
MAX_DEPTH = 64
LONGEST_SHOWN = 200
TAG = "tag:yaml.org,2002:"
_SCALARS = {TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp")}
_MERGE = TAG + "merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProblem:
    """One thing that is wrong in a file.

    Attributes:
        line: From 1; None where no line is to blame.
        path: Keys from the outermost to the innermost; empty for the file as a whole.
        text: What is wrong, as a sentence.
    """

    line: int | None
    path: KeyPath = ()
    text: str

    def located(self, file: str | Path) -> str:
        """`file:line: key: what is wrong`."""
        place = str(file) if self.line is None else f"{file}:{self.line}"
        keys = [shortened(".".join(self.path))] if self.path else []
        return ": ".join([place, *keys, self.text])


def shortened(text: str) -> str:
    """A text of the file as a message shows it: a file may have keys of any length.

    >>> shortened("k" * 1000)[-3:]
    '...'
    """
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


class UnreadableFileError(Exception):
    """The file gives no values at all; internal to the reading of settings."""

    def __init__(self, problem: LineProblem) -> None:
        super().__init__(problem.text)
        self.problem = problem


def unreadable(text: str, line: int | None = 1) -> UnreadableFileError:
    return UnreadableFileError(LineProblem(line=line, text=f"{text}."))


def too_deep(place: Any) -> UnreadableFileError:
    return unreadable(f"the file is nested more than {MAX_DEPTH} levels deep", line_of(place))


def line_of(place: Any) -> int:
    """Line, from 1, of a node or an event."""
    line: int = place.start_mark.line + 1
    return line


@dataclass(slots=True)
class NodeReader:
    """Turns YAML nodes into plain values, and notes the line of each key and what is wrong."""

    loader: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[LineProblem] = field(default_factory=list)
    _values: int = 0
    _open: set[int] = field(default_factory=set)
    _told: set[int] = field(default_factory=set)

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        """Plain value of a node; None for one that is refused."""
        import yaml

        if isinstance(node, yaml.ScalarNode):
            self._count(node)
            return self._scalar(node, path)
        with self._entered(node):
            if isinstance(node, yaml.MappingNode) and node.tag == f"{TAG}map":
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == f"{TAG}seq":
                return self._sequence(node, path)
        return self._refuse_tag(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values = {}
        for name, (key_node, value_node) in self._pairs(node, path).items():
            self.lines[(*path, name)] = line_of(key_node)
            values[name] = self.value(value_node, (*path, name))
        return values

    def _pairs(self, node: yaml.MappingNode, path: KeyPath) -> Pairs:
        """Nodes of key and value by name. Own keys hide merged ones; of two own ones the first
        counts."""
        own: Pairs = {}
        merged: list[Pairs] = []
        seen_before = id(node) in self._told
        self._told.add(id(node))
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged.append(self._merged(value_node, path))
                continue
            self._count(key_node)
            name = self._key(key_node, path, silent=seen_before)
            if name in own and not seen_before:
                text = f"the key occurs twice, first in line {line_of(own[name][0])}. Remove one."
                self._problem(line_of(key_node), (*path, name), text)
            elif name is not None:
                own.setdefault(name, (key_node, value_node))
        return {**_first_counts(merged), **own}

    def _merged(self, node: yaml.Node, path: KeyPath) -> Pairs:
        """What `<<` brings in; of several mappings the first one counts."""
        import yaml

        with self._entered(node):
            if isinstance(node, yaml.MappingNode):
                return self._pairs(node, path)
            if not isinstance(node, yaml.SequenceNode):
                self._problem(line_of(node), (*path, "<<"), "must name a mapping.")
                return {}
            return _first_counts([self._merged(part, path) for part in node.value])

    def _sequence(self, node: yaml.SequenceNode, path: KeyPath) -> list[Any]:
        values = []
        for number, item in enumerate(node.value):
            inner = (*path, str(number))
            self.lines[inner] = line_of(item)
            values.append(self.value(item, inner))
        return values

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        if node.tag not in _SCALARS:
            return self._refuse_tag(node, path)
        try:
            return self.loader.construct_object(node)
        except (ValueError, OverflowError):
            self._problem(line_of(node), path, f"{node.value[:40]!r} cannot be read as a value.")
            return None

    def _key(self, node: yaml.Node, path: KeyPath, *, silent: bool) -> str | None:
        import yaml

        scalar = isinstance(node, yaml.ScalarNode)
        if scalar and node.tag == f"{TAG}str":
            return str(node.value)
        if not silent:
            shown = shortened(node.value) if scalar else "a list or mapping"
            hint = f' Write "{shown}" in quotes.' if scalar else ""
            text = f"keys must be text, got {shown} ({node.tag.removeprefix(TAG)}).{hint}"
            self._problem(line_of(node), path, text)
        return None

    def _refuse_tag(self, node: yaml.Node, path: KeyPath) -> None:
        tag = shortened(node.tag.replace(TAG, "!!"))
        self._problem(line_of(node), path, f"the tag {tag} is not supported; write a plain value.")

    @contextmanager
    def _entered(self, node: yaml.Node) -> Iterator[None]:
        self._count(node)
        if id(node) in self._open:
            raise unreadable("an alias stands within what it names", line_of(node))
        # Aliases and merges nest what stands side by side in the text; each level copies its keys.
        if len(self._open) >= MAX_DEPTH:
            raise too_deep(node)
        self._open.add(id(node))
        try:
            yield
        finally:
            self._open.discard(id(node))

    def _count(self, node: yaml.Node) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise unreadable(f"the file holds more than {MAX_VALUES:,} values", line_of(node))

    def _problem(self, line: int, path: KeyPath, text: str) -> None:
        self.problems.append(LineProblem(line=line, path=path, text=text))


def _first_counts(parts: list[Pairs]) -> Pairs:
    """One mapping of several; of a key that several have, the first counts. Linear in their size.

    Going backwards, an earlier part overwrites a later one in place.
    """
    joined: Pairs = {}
    for part in reversed(parts):
        joined.update(part)
    return joined
