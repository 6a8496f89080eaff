"""From a YAML document to settings: what each top-level key means, and every problem at once.

    version: 1                       may be left out
    counting, logging, performance   apply to every workspace; a workspace may override single keys
    workspaces: {<id>: {...}}        at least one, in the shape of `file_shape`
    x-...                            not looked at: a place for YAML anchors

Problems are listed by line. Nothing is used of a file that has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from mba_integrations.core.config.file_shape import (
    ID_FIELD,
    FlatSettings,
    flat_settings,
    not_a_mapping,
)
from mba_integrations.core.config.group import SettingsGroup
from mba_integrations.core.config.problems import (
    InvalidSettingsError,
    SettingProblem,
    unknown_setting,
)
from mba_integrations.core.config.settings import (
    CountingSettings,
    LoggingSettings,
    PerformanceSettings,
)
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.config.yaml_document import YamlDocument, read_yaml
from mba_integrations.core.config.yaml_nodes import KeyPath, LineProblem
from mba_integrations.core.errors import ConfigFileError

VERSION: Final = 1
SHARED_GROUPS = ("counting", "logging", "performance")
WORKSPACES = "workspaces"
TOP_KEYS = ("version", *SHARED_GROUPS, WORKSPACES)
UNREAD_PREFIX = "x-"
MOST_PROBLEMS = 100
"""Problems that are told one by one; of the others, how many there are."""

Group = TypeVar("Group", bound=SettingsGroup)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSettings:
    """What a file sets: its workspaces by id, and the groups that they share."""

    workspaces: dict[str, WorkspaceConfig]
    counting: CountingSettings
    logging: LoggingSettings
    performance: PerformanceSettings


def read_settings(path: str | Path) -> FileSettings:
    """The settings of a file.

    Raises:
        ConfigFileError: With every problem, if the file cannot be read or is invalid.
    """
    document = read_yaml(path)
    refused = frozenset(problem.path for problem in document.problems)
    reading = _Reading(document, list(document.problems), refused)
    settings = reading.settings()
    if reading.problems:
        ordered = sorted(reading.problems, key=lambda problem: problem.line or 0)
        told = [problem.located(path) for problem in ordered[:MOST_PROBLEMS]]
        more = len(ordered) - len(told)
        raise ConfigFileError([*told, *([f"{path}: {more:,} more problems."] if more else [])])
    return settings


@dataclass(slots=True)
class _Reading:
    """One look at a document; collects what is wrong on the way."""

    document: YamlDocument
    problems: list[LineProblem]
    refused: frozenset[KeyPath]
    shared: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def settings(self) -> FileSettings:
        top = self._top()
        counting = self._shared_group(CountingSettings, "counting", top)
        logging = self._shared_group(LoggingSettings, "logging", top)
        performance = self._shared_group(PerformanceSettings, "performance", top)
        return FileSettings(
            workspaces=self._workspaces(top),
            counting=counting,
            logging=logging,
            performance=performance,
        )

    def _top(self) -> Mapping[str, Any]:
        top = self.document.value
        for key in top:
            if key not in TOP_KEYS and not key.startswith(UNREAD_PREFIX):
                self._add((), unknown_setting((key,), TOP_KEYS))
        version = top.get("version", VERSION)
        if version != VERSION or isinstance(version, bool | float):
            rule = f"must be {VERSION}, the version of the file format that this release reads"
            self._add((), _wrong_value(("version",), version, rule))
        return top

    def _shared_group(self, group: type[Group], name: str, top: Mapping[str, Any]) -> Group:
        """A group for all workspaces; its defaults where it is absent or invalid."""
        raw = top.get(name)
        if raw is None:
            return group()
        if not isinstance(raw, Mapping):
            self._add((), not_a_mapping((name,), raw))
            return group()
        try:
            settings = group(**raw)
        except InvalidSettingsError as error:
            for problem in error.problems:
                self._add((name,), problem)
            return group()
        self.shared[name] = raw
        return settings

    def _workspaces(self, top: Mapping[str, Any]) -> dict[str, WorkspaceConfig]:
        raw = top.get(WORKSPACES)
        if raw is not None and not isinstance(raw, Mapping):
            self._add((), not_a_mapping((WORKSPACES,), raw))
            return {}
        if not raw and (WORKSPACES,) not in self.refused:
            self._add(
                (), SettingProblem(path=(WORKSPACES,), rule="must name at least one workspace")
            )
        found = {name: self._workspace(name, settings) for name, settings in (raw or {}).items()}
        return {name: config for name, config in found.items() if config is not None}

    def _workspace(self, name: str, raw: Any) -> WorkspaceConfig | None:
        place = (WORKSPACES, name)
        if raw is not None and not isinstance(raw, Mapping):
            self._add((), not_a_mapping(place, raw))
            return None
        flat = flat_settings(raw or {}, name)
        for problem in flat.problems:
            self._add(place, problem)
        try:
            return WorkspaceConfig(**self._with_shared(flat.values), workspace_id=name)
        except InvalidSettingsError as error:
            for problem in error.problems:
                self._add_flat(place, flat, problem)
        return None

    def _with_shared(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The workspace's values over those of the whole file, key by key."""
        merged = dict(values)
        for name, shared in self.shared.items():
            own = values.get(name, {})
            merged[name] = {**shared, **own} if isinstance(own, Mapping) else own
        return merged

    def _add(self, place: KeyPath, problem: SettingProblem) -> None:
        path = (*place, *problem.path)
        if self._is_told(path, problem):
            return
        line = self.document.line_of(path)
        self.problems.append(LineProblem(line=line, path=path, text=problem.text))

    def _add_flat(self, place: KeyPath, flat: FlatSettings, problem: SettingProblem) -> None:
        """Add a problem that is told in the flat names of `WorkspaceConfig`."""
        if problem.path == (ID_FIELD,):
            self._add(
                (), _wrong_value(place, place[-1], "the name of a workspace must not be empty")
            )
            return
        path, text = flat.in_file(problem)
        if flat.twice.intersection(problem.fields) or self._is_told((*place, *path), problem):
            return
        written = [flat.written[name] for name in problem.fields if name in flat.written]
        stands = path or (written[0] if written else ())
        line = self.document.line_of((*place, *stands))
        self.problems.append(LineProblem(line=line, path=(*place, *path), text=text))

    def _is_told(self, path: KeyPath, problem: SettingProblem) -> bool:
        """Whether the value could not be read, so that it stands in the document as null."""
        return problem.shows_value and problem.value is None and path in self.refused


def _wrong_value(path: KeyPath, value: object, rule: str) -> SettingProblem:
    return SettingProblem(path=path, rule=rule, value=value, shows_value=True)
