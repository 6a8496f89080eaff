"""A request of the command line: what it is made of, its time, and asking it again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import typer

from mba_integrations import MissingExtraError
from mba_integrations.commands.arguments import request as request_module
from mba_integrations.commands.arguments.inputs import Inputs
from mba_integrations.commands.arguments.request import Request, gathered
from mba_integrations.commands.arguments.workspaces import chosen_workspace

NAIVE = datetime(2026, 3, 1, 12)
EAST = timezone(timedelta(hours=5))
NOTE = {"id": "note", "content": "Kate lives in Oslo.", "tier": "rag"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(*notes: dict[str, Any], **given: Any) -> Request:
    Path("notes.jsonl").write_text("\n".join(map(json.dumps, notes or (NOTE,))))
    inputs = Inputs(memories=["notes.jsonl"], messages=None, folders=None, pin_last_user=True)
    values: dict[str, Any] = {
        "query": "Where does Kate live?",
        "config": chosen_workspace(None, "default"),
        "budget_tokens": None,
        "now": None,
        "local": False,
    }
    return gathered(inputs, **{**values, **given})


@pytest.mark.parametrize(
    ("created_at", "now", "expected"),
    [
        pytest.param(None, None, None, id="the-present"),
        pytest.param(None, NAIVE, NAIVE.replace(tzinfo=UTC), id="no-zone-is-utc"),
        pytest.param(
            "2026-01-01T00:00:00Z", NAIVE, NAIVE.replace(tzinfo=UTC), id="items-have-zones"
        ),
        pytest.param("2026-01-01T00:00:00", NAIVE, NAIVE, id="items-have-no-zone"),
        pytest.param(
            "2026-01-01T00:00:00Z",
            NAIVE.replace(tzinfo=EAST),
            NAIVE.replace(tzinfo=EAST),
            id="a-zone-stays",
        ),
    ],
)
def test_the_time_has_a_zone_where_the_items_have(
    folder: Path, created_at: str | None, now: datetime | None, expected: datetime | None
) -> None:
    note = {**NOTE, **({"created_at": created_at} if created_at else {})}
    request = made(note, now=now)
    assert request.now == expected
    assert request.now is None or (request.now.tzinfo is None) == (expected.tzinfo is None)  # type: ignore[union-attr]
    assert request.allocate().selected_ids == ("note",)


@pytest.mark.parametrize(
    ("of_request", "of_call", "expected"),
    [
        pytest.param(None, None, None, id="the-workspace-decides"),
        pytest.param(50, None, 50, id="that-of-the-request"),
        pytest.param(50, 20, 20, id="that-of-the-call"),
    ],
)
def test_the_budget_of_the_call_wins(
    folder: Path, of_request: int | None, of_call: int | None, expected: int | None
) -> None:
    request = made(budget_tokens=of_request)
    found = request.allocate(of_call).budget_tokens
    assert found == expected or (expected is None and found > 50)


def test_asking_again_gives_the_same(folder: Path) -> None:
    request = made(now=NAIVE)
    first, other, again = request.allocate(30), request.allocate(5), request.allocate(30)
    assert first.prompt_text == again.prompt_text != other.prompt_text
    assert first.selected == again.selected


def test_vectors_of_items_without_one_of_the_query_are_noted_once(folder: Path) -> None:
    notes = [{**NOTE, "id": str(n), "embedding": [1.0, 0.0]} for n in range(3)]
    assert made(*notes).notes == ("the items' embeddings are not used: the query has none.",)
    assert made().notes == ()


def test_a_missing_embedder_is_told_before_an_input_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise MissingExtraError("LocalEmbedder", extra="local")

    def unread(self: Inputs) -> None:
        raise AssertionError("inputs are read")

    monkeypatch.setattr(request_module, "LocalEmbedder", missing)
    monkeypatch.setattr(Inputs, "read", unread)
    with pytest.raises(MissingExtraError, match="LocalEmbedder"):
        made(local=True)


def test_the_local_embedder_is_given_the_query_and_the_items(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Embedder:
        def __call__(self, texts: list[str]) -> list[list[float]]:
            seen.extend(texts)
            return [[1.0, 0.0] for _ in texts]

    monkeypatch.setattr(request_module, "LocalEmbedder", Embedder)
    request = made({**NOTE, "embedding": [0.0, 1.0]}, NOTE | {"id": "other"}, local=True)
    request.allocate()
    assert request.notes == ()
    assert {"Where does Kate live?", NOTE["content"]} <= set(seen)


def test_a_request_without_a_query_is_wrong_usage(folder: Path) -> None:
    with pytest.raises(typer.BadParameter, match="--query is needed"):
        made(query=None)


def test_the_settings_are_those_given(folder: Path) -> None:
    config = chosen_workspace(None, "default").model_copy(update={"workspace_id": "mine"})
    assert made(config=config).allocate().workspace_id == "mine"
