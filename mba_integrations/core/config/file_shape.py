"""How a workspace stands in a file, and how that becomes the flat names of `WorkspaceConfig`.

    tier_allocation: {working, project, long_term, rag}      the four shares
    tier_limits: {<tier>: {floor_tokens, cap_tokens}}
    scoring: {method, relevance_weight, importance_weight, freshness_weight,
              half_life_days, tier_half_life_days, min_score,
              token_price}

Every other setting stands under its own name. The shares may also stand under their flat names
(`rag_memory_pct`), in `tier_allocation` or beside it. `workspace_id` may
repeat the workspace's key.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mba_integrations.core.config.group import SettingsGroup
from mba_integrations.core.config.problems import SettingProblem, unknown_setting
from mba_integrations.core.config.workspace import SHARE_FIELDS, WEIGHT_FIELDS, WorkspaceConfig
from mba_integrations.core.config.yaml_nodes import KeyPath
from mba_integrations.core.model import MemoryTier

SHARES, SCORING, LIMITS = "tier_allocation", "scoring", "tier_limits"
_SCORING_FIELDS = (
    *WEIGHT_FIELDS,
    "half_life_days",
    "tier_half_life_days",
    "min_score",
    "token_price",
)
_LIMIT_FIELDS = {"floor_tokens": "tier_floor_tokens", "cap_tokens": "tier_cap_tokens"}

PLACES: dict[str, KeyPath] = {
    **{name: (SHARES, tier.value) for tier, name in SHARE_FIELDS.items()},
    **{name: (LIMITS, key) for key, name in _LIMIT_FIELDS.items()},
    "scoring_method": (SCORING, "method"),
    **{name: (SCORING, name) for name in _SCORING_FIELDS},
}
"""Where the settings stand that are not found under their own name. For a limit of a tier, the
tier's name stands between the two keys."""

ID_FIELD = "workspace_id"
OWN_NAMES = tuple(
    name for name in WorkspaceConfig.model_fields if name not in PLACES and name != ID_FIELD
)
"""Settings that stand under their own name."""
WORKSPACE_KEYS = (SHARES, LIMITS, SCORING, *OWN_NAMES)
_IN_SECTION: dict[str, dict[str, str]] = {
    section: {place[1]: name for name, place in PLACES.items() if place[0] == section}
    for section in (SHARES, SCORING)
}
_SHARE_NAMES = set(SHARE_FIELDS.values())


@dataclass(slots=True, kw_only=True)
class FlatSettings:
    """The settings of one workspace under the names of `WorkspaceConfig`.

    Attributes:
        values: What `WorkspaceConfig` takes, without the id.
        written: Where each of them stands, from the workspace on.
        problems: Keys that are not known or of the wrong shape, with their paths in the file.
        twice: Names of settings that stand in two places.
    """

    values: dict[str, Any] = field(default_factory=dict)
    written: dict[str, KeyPath] = field(default_factory=dict)
    problems: list[SettingProblem] = field(default_factory=list)
    twice: set[str] = field(default_factory=set)

    def add(self, name: str, value: Any, path: KeyPath) -> None:
        """Take a setting; a second one of the same name is a problem."""
        if name in self.written:
            self.twice.add(name)
            first = ".".join(self.written[name])
            self.problems.append(
                SettingProblem(path=path, rule=f"is given as {first} already", hint="Remove one.")
            )
            return
        self.values[name], self.written[name] = value, path

    def place_of(self, name: str) -> KeyPath:
        """Where the setting stands, or would stand."""
        return self.written.get(name) or PLACES.get(name, (name,))

    def in_file(self, problem: SettingProblem) -> tuple[KeyPath, str]:
        """Path and text of a problem of the flat settings, in the words of the file."""
        if problem.path:
            return self._path_in_file(problem.path), problem.text
        return self._around(problem.fields), self._in_words_of_the_file(problem)

    def _path_in_file(self, path: KeyPath) -> KeyPath:
        place = self.place_of(path[0])
        if place[0] == LIMITS and len(path) > 1:
            return (LIMITS, path[1], place[1], *path[2:])
        return (*place, *path[1:])

    def _around(self, names: tuple[str, ...]) -> KeyPath:
        """The section that all of the settings stand in, if there is one."""
        sections = {self.place_of(name)[:-1] for name in names}
        return sections.pop() if len(sections) == 1 else ()

    def _in_words_of_the_file(self, problem: SettingProblem) -> str:
        names = "|".join(re.escape(name) for name in problem.fields if name not in _SHARE_NAMES)
        if not names:
            return problem.text
        return re.sub(rf"\b({names})\b", lambda found: self.place_of(found[1])[-1], problem.text)


def flat_settings(raw: Mapping[str, Any], name: str) -> FlatSettings:
    """The flat settings of the workspace *name* as it stands in a file."""
    flat = FlatSettings()
    for key, value in raw.items():
        if key in _IN_SECTION:
            _add_section(flat, key, value)
        elif key == LIMITS:
            _add_limits(flat, value)
        elif key == ID_FIELD:
            _check_id(flat, value, name)
        elif key in _SHARE_NAMES:
            flat.add(key, value, (key,))
        elif key in OWN_NAMES:
            flat.add(key, {} if value is None and _is_group(key) else value, (key,))
        else:
            flat.problems.append(_misplaced((key,), WORKSPACE_KEYS))
    return flat


def _check_id(flat: FlatSettings, value: Any, name: str) -> None:
    """The id may be written once more within the workspace, if it is the same."""
    if value != name:
        rule = f"must be {name!r}, the workspace's key under 'workspaces'"
        problem = SettingProblem(path=(ID_FIELD,), rule=rule, value=value, shows_value=True)
        flat.problems.append(problem)


def _add_section(flat: FlatSettings, section: str, raw: Any) -> None:
    names = _IN_SECTION[section]
    for key, value in _entries(flat, raw, (section,)).items():
        if key in names:
            flat.add(names[key], value, (section, key))
        elif section == SHARES and key in _SHARE_NAMES:
            flat.add(key, value, (section, key))
        else:
            flat.problems.append(_misplaced((section, key), names))


def _add_limits(flat: FlatSettings, raw: Any) -> None:
    tiers = [tier.value for tier in MemoryTier]
    limits: dict[str, dict[str, Any]] = {}
    for tier, of_tier in _entries(flat, raw, (LIMITS,)).items():
        if tier not in tiers:
            flat.problems.append(_misplaced((LIMITS, tier), tiers))
            continue
        for key, value in _entries(flat, of_tier, (LIMITS, tier)).items():
            if key in _LIMIT_FIELDS:
                limits.setdefault(_LIMIT_FIELDS[key], {})[tier] = value
            else:
                flat.problems.append(_misplaced((LIMITS, tier, key), _LIMIT_FIELDS))
    for name, values in limits.items():
        flat.add(name, values, PLACES[name])


def _entries(flat: FlatSettings, raw: Any, path: KeyPath) -> Mapping[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        flat.problems.append(not_a_mapping(path, raw))
        return {}
    return raw


def not_a_mapping(path: KeyPath, value: object) -> SettingProblem:
    """The problem of a single value, or a list, where keys are needed."""
    return SettingProblem(path=path, rule="must be a mapping", value=value, shows_value=True)


def _misplaced(path: KeyPath, known: Any) -> SettingProblem:
    """An unknown key, with the place where it belongs if it is a setting."""
    name, hint = path[-1], ""
    if name == ID_FIELD:
        hint = "The id of a workspace is its key under 'workspaces'."
    elif name in PLACES and PLACES[name] != path:
        hint = f"It belongs under {PLACES[name][0]!r}."
    elif len(path) > 1 and name in WORKSPACE_KEYS:
        hint = f"It belongs beside {path[0]!r}."
    else:
        hint = _hint_at_section(name, known) if len(path) == 1 else ""
    if not hint:
        return unknown_setting(path, known)
    return SettingProblem(path=path, rule="no such setting here", unknown=True, hint=hint)


def _hint_at_section(name: str, known: Iterable[str]) -> str:
    """For a key like one that stands in a section: where that one stands."""
    close = difflib.get_close_matches(name, [*known, *PLACES], n=1)
    if not close or close[0] not in PLACES:
        return ""
    return f"Did you mean {'.'.join(PLACES[close[0]])!r}?"


def _is_group(name: str) -> bool:
    default = WorkspaceConfig.model_fields[name].get_default(call_default_factory=True)
    return isinstance(default, Mapping | SettingsGroup)


def file_shape(values: Mapping[str, Any]) -> dict[str, Any]:
    """Flat settings as they stand in a file: the inverse of `flat_settings`."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        section, *key = PLACES.get(name, (name,))
        if section == LIMITS:
            for tier, limit in value.items():
                nested.setdefault(LIMITS, {}).setdefault(tier, {})[key[0]] = limit
        elif key:
            nested.setdefault(section, {})[key[0]] = value
        else:
            nested[name] = value
    return nested
