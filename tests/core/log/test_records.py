"""Records of the log: checked, and the same after a way through JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from log_records import RAG, moves, record

from mba_integrations import InputError, record_from_dict


def test_records_turn_into_json_and_back_without_loss() -> None:
    full = record(notes=("a note",), query="why \ud800 \0?", texts=("x", "ß"), exact=False)
    reviewed = moves(promoted=1, demoted=2)
    for one in (full, record(), reviewed):
        assert record_from_dict(json.loads(json.dumps(one.to_dict()))) == one
    assert "query" not in record().to_dict()
    assert record(tiers={"rag": RAG.to_dict()}) == record()


def test_keys_of_a_later_release_are_ignored_within_a_schema_version() -> None:
    assert record_from_dict(record().to_dict() | {"colour": "blue"}) == record()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"schema_version": 2}, "2 is newer than 1.*Update", id="newer-schema"),
        pytest.param({"schema_version": None}, "schema_version must be an integer", id="no-schema"),
        pytest.param({"kind": "poem"}, "kind must be 'allocation', got 'poem'", id="unknown-kind"),
        pytest.param({"timestamp": "noon"}, "ISO 8601 text, got 'noon'", id="unreadable-time"),
        pytest.param({"timestamp": "2025-06-01"}, "must have a time zone", id="no-zone"),
        pytest.param({"workspace_id": ""}, "workspace_id must be a text", id="no-workspace"),
        pytest.param({"complexity": "odd"}, "simple, medium, complex, expert", id="complexity"),
        pytest.param({"budget_tokens": -1}, "budget_tokens must be an integer", id="negative"),
        pytest.param({"used_tokens": True}, "used_tokens must be an integer", id="boolean"),
        pytest.param({"used_tokens": 10**5000}, "got an integer of .* bits", id="huge-integer"),
        pytest.param({"value": float("inf")}, "value must be a finite number", id="infinite"),
        pytest.param({"duration_ms": float("nan")}, "duration_ms must be a finite", id="nan"),
        pytest.param({"exact": 1}, "exact must be true or false", id="not-a-boolean"),
        pytest.param({"tiers": []}, "tiers must be a mapping", id="tiers-list"),
        pytest.param({"tiers": {"moon": {}}}, "a tier must be one of working", id="unknown-tier"),
        pytest.param({"tiers": {"rag": 1}}, r"tiers\['rag'\] must be a mapping", id="tier-number"),
        pytest.param({"tiers": {"rag": {}}}, "lacks budget_tokens, used_tokens", id="tier-empty"),
        pytest.param({"omission_reasons": {"x": -1}}, r"omission_reasons\['x'\]", id="reason"),
        pytest.param({"notes": "text"}, "notes must be a list of texts", id="notes"),
        pytest.param({"texts": [1]}, "texts must be a list of texts", id="texts"),
        pytest.param({"query": 1}, "query must be a text", id="query"),
    ],
)
def test_unusable_records_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        record_from_dict(record().to_dict() | change)


def test_missing_key_is_named() -> None:
    values = record().to_dict()
    del values["value"], values["complexity"]
    with pytest.raises(InputError, match="lacks complexity, value"):
        record_from_dict(values)
