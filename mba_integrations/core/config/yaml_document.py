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
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mba_integrations.core.arguments import checked_path
from mba_integrations.core.config.yaml_nodes import (
    MAX_DEPTH,
    MAX_VALUES,
    TAG,
    KeyPath,
    LineProblem,
    NodeReader,
    UnreadableFileError,
    line_of,
    too_deep,
    unreadable,
)
from mba_integrations.core.errors import ConfigFileError

if TYPE_CHECKING:
    import yaml

MAX_FILE_BYTES = 1 << 20
_EXPONENT_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+\Z")
_NUMBER_STARTS = list("-+.0123456789")
# All but c-printable of YAML 1.2, production 1.
_LINE_BREAKS = re.compile("[\r\n\x85\u2028\u2029]")
_NOT_PRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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


def read_yaml(path: str | Path) -> YamlDocument:
    """The values of a YAML file with their lines.

    Raises:
        ConfigFileError: If the file cannot be read, is no YAML, or holds no mapping.
        InputError: If *path* is none.
    """
    place = checked_path("path", path)
    try:
        return parse_yaml(_read_text(place))
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
        raise unreadable("the file is empty; it must be a mapping with the key 'workspaces'")
    if not isinstance(root, yaml.MappingNode):
        kind = "a list" if isinstance(root, yaml.SequenceNode) else "a single value"
        raise unreadable(f"the file must be a mapping, got {kind}", line_of(root))
    reader = NodeReader(loader)
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
        _check_kind(path)
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise unreadable("no such file", None) from error
    except OSError as error:
        raise unreadable(f"cannot be read: {error.strerror or error}", None) from error
    if len(content) > MAX_FILE_BYTES:
        raise unreadable(f"the file is larger than {MAX_FILE_BYTES:,} bytes", None)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise unreadable(f"the file must be UTF-8, got byte 0x{byte:02x}", line) from error


def _check_kind(path: Path) -> None:
    """Refuse a pipe or a device: opening a pipe waits until somebody writes to it."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise unreadable("it is a pipe or a device, must be a regular file", None)


def _check_characters(text: str) -> None:
    found = _NOT_PRINTABLE.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise unreadable(f"the character U+{ord(found[0]):04X} is not allowed in YAML", line)


def _check_size(events: Iterable[yaml.Event]) -> None:
    """Bound depth and length before nodes are made: PyYAML's composer in C would overflow."""
    import yaml

    depth = 0
    for count, event in enumerate(events):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise too_deep(event)
        if count > 2 * MAX_VALUES:
            raise unreadable(f"the file holds more than {MAX_VALUES:,} values", line_of(event))


@cache
def _loader_class() -> Any:
    import yaml

    class SettingsLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """PyYAML's safe loader with the numbers of YAML 1.2."""

    SettingsLoader.add_implicit_resolver(f"{TAG}float", _EXPONENT_NUMBER, _NUMBER_STARTS)
    return SettingsLoader


@cache
def _dumper_class() -> Any:
    import yaml

    class SettingsDumper(yaml.SafeDumper):
        """Puts text into quotes that `SettingsLoader` would take for a number or a line break."""

    def written_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = '"' if _LINE_BREAKS.search(text) else None
        return dumper.represent_scalar(f"{TAG}str", text, style=style)

    SettingsDumper.add_representer(str, written_text)
    SettingsDumper.add_implicit_resolver(f"{TAG}float", _EXPONENT_NUMBER, _NUMBER_STARTS)
    return SettingsDumper


def _syntax_error(error: yaml.MarkedYAMLError) -> UnreadableFileError:
    mark = error.problem_mark or error.context_mark
    said = ", ".join(part for part in (error.context, error.problem) if part)
    if mark is None:
        return unreadable(f"not valid YAML: {said}")
    return unreadable(f"not valid YAML in column {mark.column + 1}: {said}", mark.line + 1)
