"""Read a YAML file into plain values and the line of every key.

Only plain YAML is read: mappings, lists, text, numbers, truth values and null. Nothing in a file
can make an object or run code. A file is at most 1 MiB and expands, aliases included, to at most
100,000 values, so that reading ends soon and in bounded memory.

PyYAML is imported when a file is read, not with this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mba_integrations.core.errors import ConfigFileError

if TYPE_CHECKING:
    import yaml

KeyPath = tuple[str, ...]

MAX_FILE_BYTES = 1 << 20
MAX_VALUES = 100_000
_TAG = "tag:yaml.org,2002:"
_SCALARS = {_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp")}
_MERGE = _TAG + "merge"


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

    loader = _compose_loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise _unreadable("the file is empty; it must be a mapping with the key 'workspaces'")
        if not isinstance(root, yaml.MappingNode):
            kind = "a list" if isinstance(root, yaml.SequenceNode) else "a single value"
            raise _unreadable(f"the file must be a mapping, got {kind}", _line(root))
        reader = _NodeReader(loader)
        values = reader.mapping(root, ())
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error) from error
    except RecursionError as error:
        raise _unreadable("the file is nested too deeply") from error
    finally:
        loader.dispose()
    return YamlDocument(value=values, lines=reader.lines, problems=tuple(reader.problems))


def write_yaml(values: Mapping[str, Any]) -> str:
    """The text of a file with these plain values, in their order."""
    import yaml

    text: str = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
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


def _compose_loader(text: str) -> yaml.SafeLoader:
    import yaml
    from yaml.reader import ReaderError

    try:
        return yaml.SafeLoader(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = ord(text[error.position])
        raise _unreadable(f"the character U+{code:04X} is not allowed in YAML", line) from error


def _unreadable(text: str, line: int | None = 1) -> UnreadableFileError:
    return UnreadableFileError(LineProblem(line=line, text=f"{text}."))


def _syntax_error(error: yaml.MarkedYAMLError) -> UnreadableFileError:
    mark = error.problem_mark or error.context_mark
    said = ", ".join(part for part in (error.context, error.problem) if part)
    if mark is None:
        return _unreadable(f"not valid YAML: {said}")
    return _unreadable(f"not valid YAML in column {mark.column + 1}: {said}", mark.line + 1)


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line + 1
    return line


@dataclass(slots=True)
class _NodeReader:
    """Turns YAML nodes into plain values, and notes the line of each key and what is wrong."""

    loader: yaml.SafeLoader
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[LineProblem] = field(default_factory=list)
    _values: int = 0
    _open: set[int] = field(default_factory=set)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        """Values of a mapping; of a key that occurs twice, the first."""
        values: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in self._pairs(node):
            name = self._key(key_node, path)
            line = _line(key_node)
            if name is None:
                continue
            inner = (*path, name)
            if name in first:
                text = f"the key occurs twice, first in line {first[name]}. Remove one."
                self._problem(line, inner, text)
                continue
            first[name] = line
            self.lines[inner] = line
            values[name] = self._value(value_node, inner)
        merged = self._merged(node, path, hidden=set(first))
        return {**merged, **values}

    def _pairs(self, node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        return (pair for pair in node.value if pair[0].tag != _MERGE)

    def _merged(self, node: yaml.MappingNode, path: KeyPath, hidden: set[str]) -> dict[str, Any]:
        """Values that `<<` brings in, without those that the mapping gives itself."""
        import yaml

        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag != _MERGE:
                continue
            listed = isinstance(value_node, yaml.SequenceNode)
            for source in value_node.value if listed else [value_node]:
                if not isinstance(source, yaml.MappingNode):
                    self._problem(_line(source), (*path, "<<"), "must name a mapping.")
                    continue
                found = self._source(source, path, hidden | values.keys())
                values = {**values, **found}
        return values

    def _source(self, source: yaml.MappingNode, path: KeyPath, hidden: set[str]) -> dict[str, Any]:
        """Values of a merged mapping; keys that are hidden keep their own lines."""
        kept = {place: line for place, line in self.lines.items() if _is_under(place, path, hidden)}
        self._enter(source)
        try:
            values = self.mapping(source, path)
        finally:
            self._open.discard(id(source))
        for place in [place for place in self.lines if _is_under(place, path, hidden)]:
            del self.lines[place]
        self.lines.update(kept)
        return {name: value for name, value in values.items() if name not in hidden}

    def _value(self, node: yaml.Node, path: KeyPath) -> Any:
        import yaml

        if isinstance(node, yaml.ScalarNode):
            self._count(node)
            return self._scalar(node, path)
        self._enter(node)
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
                return self.mapping(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
                return self._sequence(node, path)
        finally:
            self._open.discard(id(node))
        return self._refuse_tag(node, path)

    def _sequence(self, node: yaml.SequenceNode, path: KeyPath) -> list[Any]:
        values = []
        for number, item in enumerate(node.value):
            inner = (*path, str(number))
            self.lines[inner] = _line(item)
            values.append(self._value(item, inner))
        return values

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        if node.tag not in _SCALARS:
            return self._refuse_tag(node, path)
        try:
            return self.loader.construct_object(node)
        except (ValueError, OverflowError):
            self._problem(_line(node), path, f"{node.value[:40]!r} cannot be read as a value.")
            return None

    def _key(self, node: yaml.Node, path: KeyPath) -> str | None:
        import yaml

        self._count(node)
        if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}str":
            return str(node.value)
        shown = node.value if isinstance(node, yaml.ScalarNode) else "a list or mapping"
        kind = node.tag.removeprefix(_TAG)
        hint = f' Write "{shown}" in quotes.' if isinstance(node, yaml.ScalarNode) else ""
        self._problem(_line(node), path, f"keys must be text, got {shown} ({kind}).{hint}")
        return None

    def _refuse_tag(self, node: yaml.Node, path: KeyPath) -> None:
        tag = node.tag.replace(_TAG, "!!")
        self._problem(_line(node), path, f"the tag {tag} is not supported; write a plain value.")

    def _enter(self, node: yaml.Node) -> None:
        self._count(node)
        if id(node) in self._open:
            raise _unreadable("an alias stands within what it names", _line(node))
        self._open.add(id(node))

    def _count(self, node: yaml.Node) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _unreadable(f"the file holds more than {MAX_VALUES:,} values", _line(node))

    def _problem(self, line: int, path: KeyPath, text: str) -> None:
        self.problems.append(LineProblem(line=line, path=path, text=text))


def _is_under(place: KeyPath, path: KeyPath, names: set[str]) -> bool:
    depth = len(path)
    return len(place) > depth and place[:depth] == path and place[depth] in names
