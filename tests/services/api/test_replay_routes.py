"""The log with feedback, and recalls that are replayed elsewhere, over HTTP."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import httpx2
import pytest
from http_server import caller, key_of, problem_in

from mba_integrations.learning.replay.files.reading import read_records
from mba_integrations.learning.replay.replay import replay
from mba_integrations.services.api.app import create_app
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter

KATE = "/v1/workspaces/kate"


@pytest.fixture
def allocation_id(service: MemoryService) -> str:
    service.workspaces.change("kate", logging={"include_text": True})
    service.remember("kate", ["Kate lives in Lisbon.", "Kate skis."])
    return service.recall("kate", "Where does Kate live?").allocation_id


async def test_feedback_goes_with_the_log(http: httpx2.AsyncClient, allocation_id: str) -> None:
    await http.post(f"{KATE}/allocations/{allocation_id}/feedback", json={"thumb": "up"})
    place = f"{KATE}/export/allocations?format="
    line = json.loads((await http.get(place + "jsonl")).content.splitlines()[1])
    [said] = line["feedback"]
    assert (said["memory_id"], said["origin"], said["useful"]) == (None, "thumb", True)
    [row, _] = csv.DictReader(io.StringIO((await http.get(place + "csv")).text))
    assert json.loads(row["feedback"]) == [said]


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
@pytest.mark.parametrize("texts", ["true", "false"])
async def test_recalls_are_exported_to_be_replayed(
    http: httpx2.AsyncClient, allocation_id: str, tmp_path: Path, format: str, texts: str
) -> None:
    answer = await http.get(f"{KATE}/export/replay?format={format}&texts={texts}")
    path = tmp_path / f"replay.{format}"
    path.write_bytes(answer.content)
    [record] = read_records(path)
    assert (record.allocation_id, record.query is not None) == (allocation_id, texts == "true")
    [again] = replay([record], token_counter=WordCounter())
    assert again.is_as_then(record)


async def test_texts_need_the_scope_of_texts(service: MemoryService, allocation_id: str) -> None:
    headers = key_of(service, scopes=("read",))
    async with caller(create_app(service), headers=headers) as http:
        refused = await http.get(f"{KATE}/export/replay")
        assert problem_in(refused)[0] == 403
        numbers = await http.get(f"{KATE}/export/replay?texts=false")
        assert allocation_id in numbers.text
        assert "Lisbon" not in numbers.text
