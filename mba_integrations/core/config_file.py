"""Read a YAML file into plain values and the line of every key.

Only plain YAML is read: mappings, lists, text, numbers, truth values and null. Nothing in a file
can make an object or run code. A file is at most 1 MiB long and 64 levels deep and expands,
aliases included, to at most 100,000 values, so that reading ends soon and in bounded memory.
Numbers such as `1e-3` are numbers, as in YAML 1.2; PyYAML alone takes them for text.

PyYAML is imported when a file is read, not with this module. Its parser in C is used where it is
built; on the shipped file it takes a fiftieth of the time of the one in Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mba_integrations.core.errors import ConfigFileError

if TYPE_CHECKING:
    import yaml

KeyPath = tuple[str, ...]
Pairs = dict[str, "tuple[yaml.Node, yaml.Node]"]

MAX_FILE_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_VALUES = 100_000
_TAG = "tag:yaml.org,2002:"
_SCALARS = {_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp")}
_MERGE = _TAG + "merge"
_EXPONENT_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+\Z")
_NUMBER_STARTS = list("-+.0123456789")
# All but c-printable of YAML 1.2, production 1.
_NOT_PRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
        return ": ".join([place, *([".".join(self.path)] if self.path else []), self.text])


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlDocument:
    """What a file holds.

    Attributes:
        value: The top-level mapping.
        lines: Line of each key, from 1. Items of lists stand under their number.
        problems: What is wrong with the YAML itself, duplicate keys for instance.
    """

    value: Mapping[str, Any]
    lines: Mapping[KeyPath, int]
    problems: tuple[LineProblem, ...]

    def line_of(self, path: KeyPath) -> int:
        """Line of a key, or of the nearest key around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class UnreadableFileError(Exception):
    """The file gives no values at all; internal to the reading of settings."""

    def __init__(self, problem: LineProblem) -> None:
        super().__init__(problem.text)
        self.problem = problem


def read_yaml(path: str | Path) -> YamlDocument:
    """The values of a YAML file with their lines.

    Raises:
        ConfigFileError: If the file cannot be read, is no YAML, or holds no mapping.
    """
    try:
        return parse_yaml(_read_text(Path(path)))
    except UnreadableFileError as error:
        raise ConfigFileError([error.problem.located(path)]) from error


def parse_yaml(text: str) -> YamlDocument:
    """The values of a YAML text with their lines.

    Raises:
        UnreadableFileError: If the text is no YAML or holds no mapping.
    """
    import yaml

    _check_characters(text)
    try:
        _check_size(yaml.parse(text, Loader=_loader_class()))
        loader = _loader_class()(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error) from error
    if root is None:
        raise _unreadable("the file is empty; it must be a mapping with the key 'workspaces'")
    if not isinstance(root, yaml.MappingNode):
        kind = "a list" if isinstance(root, yaml.SequenceNode) else "a single value"
        raise _unreadable(f"the file must be a mapping, got {kind}", _line(root))
    reader = _NodeReader(loader)
    values = reader.value(root, ())
    return YamlDocument(value=values or {}, lines=reader.lines, problems=tuple(reader.problems))


def write_yaml(values: Mapping[str, Any]) -> str:
    """The text of a file with these plain values, in their order."""
    import yaml

    text: str = yaml.dump(
        values, Dumper=_dumper_class(), sort_keys=False, allow_unicode=True, width=100
    )
    return text


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise _unreadable("no such file", None) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _unreadable(f"cannot be read: {reason}", None) from error
    if len(content) > MAX_FILE_BYTES:
        raise _unreadable(f"the file is larger than {MAX_FILE_BYTES:,} bytes", None)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise _unreadable(f"the file must be UTF-8, got byte 0x{byte:02x}", line) from error


def _check_characters(text: str) -> None:
    found = _NOT_PRINTABLE.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise _unreadable(f"the character U+{ord(found[0]):04X} is not allowed in YAML", line)


def _check_size(events: Iterable[yaml.Event]) -> None:
    """Bound depth and length before nodes are made: PyYAML's composer in C would overflow."""
    import yaml

    depth = 0
    for count, event in enumerate(events):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        line = _line(event)
        if depth > MAX_DEPTH:
            raise _unreadable(f"the file is nested more than {MAX_DEPTH} levels deep", line)
        if count > 2 * MAX_VALUES:
            raise _unreadable(f"the file holds more than {MAX_VALUES:,} values", line)


@cache
def _loader_class() -> Any:
    import yaml

    class SettingsLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """PyYAML's safe loader with the numbers of YAML 1.2."""

    SettingsLoader.add_implicit_resolver(f"{_TAG}float", _EXPONENT_NUMBER, _NUMBER_STARTS)
    return SettingsLoader


@cache
def _dumper_class() -> Any:
    import yaml

    class SettingsDumper(yaml.SafeDumper):
        """Puts text into quotes that `SettingsLoader` would take for a number."""

    SettingsDumper.add_implicit_resolver(f"{_TAG}float", _EXPONENT_NUMBER, _NUMBER_STARTS)
    return SettingsDumper


def _unreadable(text: str, line: int | None = 1) -> UnreadableFileError:
    return UnreadableFileError(LineProblem(line=line, text=f"{text}."))


def _syntax_error(error: yaml.MarkedYAMLError) -> UnreadableFileError:
    mark = error.problem_mark or error.context_mark
    said = ", ".join(part for part in (error.context, error.problem) if part)
    if mark is None:
        return _unreadable(f"not valid YAML: {said}")
    return _unreadable(f"not valid YAML in column {mark.column + 1}: {said}", mark.line + 1)


def _line(place: Any) -> int:
    """Line, from 1, of a node or an event."""
    line: int = place.start_mark.line + 1
    return line


@dataclass(slots=True)
class _NodeReader:
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
            if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
                return self._sequence(node, path)
        return self._refuse_tag(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values = {}
        for name, (key_node, value_node) in self._pairs(node, path).items():
            self.lines[(*path, name)] = _line(key_node)
            values[name] = self.value(value_node, (*path, name))
        return values

    def _pairs(self, node: yaml.MappingNode, path: KeyPath) -> Pairs:
        """Nodes of key and value by name. Own keys hide merged ones; of two own ones the first
        counts."""
        own: Pairs = {}
        merged: Pairs = {}
        seen_before = id(node) in self._told
        self._told.add(id(node))
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged = {**self._merged(value_node, path), **merged}
                continue
            self._count(key_node)
            name = self._key(key_node, path, silent=seen_before)
            if name in own and not seen_before:
                text = f"the key occurs twice, first in line {_line(own[name][0])}. Remove one."
                self._problem(_line(key_node), (*path, name), text)
            elif name is not None:
                own.setdefault(name, (key_node, value_node))
        return {**merged, **own}

    def _merged(self, node: yaml.Node, path: KeyPath) -> Pairs:
        """What `<<` brings in; of several mappings the first one counts."""
        import yaml

        pairs: Pairs = {}
        with self._entered(node):
            if isinstance(node, yaml.MappingNode):
                return self._pairs(node, path)
            if not isinstance(node, yaml.SequenceNode):
                self._problem(_line(node), (*path, "<<"), "must name a mapping.")
                return pairs
            for part in node.value:
                pairs = {**self._merged(part, path), **pairs}
        return pairs

    def _sequence(self, node: yaml.SequenceNode, path: KeyPath) -> list[Any]:
        values = []
        for number, item in enumerate(node.value):
            inner = (*path, str(number))
            self.lines[inner] = _line(item)
            values.append(self.value(item, inner))
        return values

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        if node.tag not in _SCALARS:
            return self._refuse_tag(node, path)
        try:
            return self.loader.construct_object(node)
        except (ValueError, OverflowError):
            self._problem(_line(node), path, f"{node.value[:40]!r} cannot be read as a value.")
            return None

    def _key(self, node: yaml.Node, path: KeyPath, *, silent: bool) -> str | None:
        import yaml

        scalar = isinstance(node, yaml.ScalarNode)
        if scalar and node.tag == f"{_TAG}str":
            return str(node.value)
        if not silent:
            shown = node.value if scalar else "a list or mapping"
            hint = f' Write "{shown}" in quotes.' if scalar else ""
            text = f"keys must be text, got {shown} ({node.tag.removeprefix(_TAG)}).{hint}"
            self._problem(_line(node), path, text)
        return None

    def _refuse_tag(self, node: yaml.Node, path: KeyPath) -> None:
        tag = node.tag.replace(_TAG, "!!")
        self._problem(_line(node), path, f"the tag {tag} is not supported; write a plain value.")

    @contextmanager
    def _entered(self, node: yaml.Node) -> Iterator[None]:
        self._count(node)
        if id(node) in self._open:
            raise _unreadable("an alias stands within what it names", _line(node))
        self._open.add(id(node))
        try:
            yield
        finally:
            self._open.discard(id(node))

    def _count(self, node: yaml.Node) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _unreadable(f"the file holds more than {MAX_VALUES:,} values", _line(node))

    def _problem(self, line: int, path: KeyPath, text: str) -> None:
        self.problems.append(LineProblem(line=line, path=path, text=text))
