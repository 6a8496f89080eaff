"""Situations in which a person has said what belongs in the prompt, and how a choice is judged.

One JSON object a line: `id`, `kind`, `tags`, `query`, `now`, `budget_tokens`, `items` (the fields
of a `MemoryItem`), and what a person would choose:

- `needed`: ids that the answer needs; `alternatives`: lists of ids of which any one is enough.
- `harmful`: ids that mislead while something needed is missing; `corrections`: for such an id the
  ids that put it right. One that is in with an empty list of corrections misleads always.
- `related`: ids that do no harm and help a little.
- `spans`: for an id, the texts that a passage of it has to hold to count.
- `nothing_needed`: whether the best prompt is an empty one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mba_integrations import Allocation, MemoryItem

FILE_NAME = "scenarios.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One call, and what a person would choose in it; see the module."""

    id: str
    kinds: tuple[str, ...]
    query: str
    now: datetime
    budget_tokens: int
    items: tuple[MemoryItem, ...]
    needs: tuple[tuple[str, ...], ...]
    harmful: tuple[str, ...]
    corrections: Mapping[str, tuple[str, ...]]
    related: frozenset[str]
    spans: Mapping[str, tuple[str, ...]]
    nothing_needed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a method put into the prompt.

    Attributes:
        ids: Of the items that are in.
        whole: Of those whose answer is in: all but passages that lack one of the spans.
        used_tokens: Tokens of the prompt.
        tokens: Tokens of the line of each item, by id.
    """

    ids: frozenset[str]
    whole: frozenset[str]
    used_tokens: int
    tokens: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a choice is worth; NaN where a scenario does not ask for it.

    Attributes:
        recall: Share of the needs that are met.
        full: Whether all are, and nothing misleads.
        harm: Whether something misleads, where something could.
        junk: Share of the used tokens that went to items without any label.
        used_tokens: Tokens of the prompt.
        fill: The same as a share of the budget.
        missing: Needs that are not met.
        misleading: Ids that mislead.
    """

    recall: float
    full: float
    harm: float
    junk: float
    used_tokens: float
    fill: float
    missing: tuple[tuple[str, ...], ...]
    misleading: tuple[str, ...]


def load_scenarios(path: Path) -> list[Scenario]:
    """The scenarios of a file, or of the file `scenarios.jsonl` in a folder."""
    file = path / FILE_NAME if path.is_dir() else path
    return [_scenario(record) for record in _records(file)]


def _records(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _scenario(record: dict[str, Any]) -> Scenario:
    alternatives = [tuple(group) for group in record.get("alternatives") or []]
    corrections = record.get("corrections") or {}
    needs = (*((item_id,) for item_id in record.get("needed", [])), *alternatives)
    return Scenario(
        id=record["id"],
        kinds=tuple(dict.fromkeys([record["kind"], *record.get("tags", [])])),
        query=record["query"],
        now=datetime.fromisoformat(record["now"]),
        budget_tokens=record["budget_tokens"],
        items=tuple(_item(one) for one in record["items"]),
        needs=needs,
        harmful=tuple(record.get("harmful", [])),
        corrections={one: tuple(others) for one, others in corrections.items()},
        related=frozenset(record.get("related", [])),
        spans={one: tuple(texts) for one, texts in (record.get("spans") or {}).items()},
        nothing_needed=record.get("nothing_needed", not needs),
    )


def _item(record: dict[str, Any]) -> MemoryItem:
    fields = dict(record)
    created = fields.pop("created_at", None)
    item_id, content, tier = (fields.pop(name) for name in ("id", "content", "tier"))
    at = datetime.fromisoformat(created) if created else None
    return MemoryItem(item_id, content, tier, created_at=at, **fields)


def choice_of(allocation: Allocation, scenario: Scenario) -> Choice:
    """What the library chose."""
    selected = {one.id: one for one in allocation.selected}
    return Choice(
        ids=frozenset(selected),
        whole=frozenset(
            item_id
            for item_id, one in selected.items()
            if one.passage is None or _holds(one.passage, scenario.spans.get(item_id, ()))
        ),
        used_tokens=allocation.used_tokens,
        tokens={item_id: one.tokens for item_id, one in selected.items()},
    )


def _holds(passage: str, texts: tuple[str, ...]) -> bool:
    """Whether all texts are in a passage, whatever the white space."""
    joined = " ".join(passage.split())
    return all(" ".join(text.split()) in joined for text in texts)


def judged(scenario: Scenario, choice: Choice) -> Judgement:
    """The judgement of one choice."""
    missing = tuple(need for need in scenario.needs if not choice.whole.intersection(need))
    misleading = tuple(
        one
        for one in scenario.harmful
        if one in choice.ids and _is_alone(scenario, choice, one, bool(missing))
    )
    labelled = scenario.related.union(scenario.harmful, *scenario.needs)
    junk = sum(choice.tokens[one] for one in choice.ids - labelled)
    asks = bool(scenario.needs)
    return Judgement(
        recall=1.0 - len(missing) / len(scenario.needs) if asks else math.nan,
        full=float(not missing and not misleading) if asks else math.nan,
        harm=float(bool(misleading)) if scenario.harmful else math.nan,
        junk=junk / choice.used_tokens if choice.used_tokens else 0.0,
        used_tokens=float(choice.used_tokens),
        fill=choice.used_tokens / scenario.budget_tokens,
        missing=missing,
        misleading=misleading,
    )


def _is_alone(scenario: Scenario, choice: Choice, one: str, is_something_missing: bool) -> bool:
    """Whether nothing puts right what a harmful item says."""
    if one not in scenario.corrections:
        return is_something_missing or not scenario.needs
    corrections = scenario.corrections[one]
    return not corrections or not choice.whole.issuperset(corrections)
