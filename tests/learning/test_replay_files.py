"""Files of replay records: what was written is read, and what is cut or changed is seen."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from replay_records import record_of_facts

from mba_integrations import InputError, MemoryItem
from mba_integrations.learning.replay.files.reading import read_records
from mba_integrations.learning.replay.files.writing import write_records
from mba_integrations.learning.replay.records import Feedback, ReplayRecord
from mba_integrations.learning.replay.replay import replay

ENDINGS = ("jsonl", "parquet")


@pytest.fixture
def records() -> list[ReplayRecord]:
    first = record_of_facts(12, allocation_id="a0")
    odd = MemoryItem("odd", "a \u2028 line \ud800", "rag", embedding=[1.0, 2.0], metadata={"x": 1})
    said = (Feedback(memory_id=None, useful=True, origin="thumb", weight=1.0),)
    return [
        first,
        replace(first, allocation_id="a1", feedback=said, query_embedding=np.array([0.5, 0.25])),
        replace(first, allocation_id="a2", candidates=(*first.candidates, odd)),
        replace(first, allocation_id="a3", previous={"x": [1]}, reserved_tokens=3, session_id="s"),
    ]


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_was_written_is_read(records: list[ReplayRecord], tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"r.{ending}"
    assert write_records(iter(records), path) == len(records)
    read = list(read_records(path))
    assert read == records
    assert read[1].query_embedding is not None
    assert read[1].query_embedding.tolist() == [0.5, 0.25]
    assert read[0].candidates is read[1].candidates
    odd = read[2].candidates[-1]
    assert (odd.metadata, odd.embedding is not None and odd.embedding.tolist()) == (
        *({"x": 1}, [1.0, 2.0]),
    )
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ENDINGS)
def test_read_records_give_the_decisions_of_then(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"r.{ending}"
    record = record_of_facts(12)
    write_records([record] * 3, path)
    assert all(one.is_as_then(record) for one in replay(read_records(path)))


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_records_are_a_file_too(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"r.{ending}"
    assert write_records([], path) == 0
    assert list(read_records(path)) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_cut_file_is_refused(records: list[ReplayRecord], tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"r.{ending}"
    write_records(records, path)
    path.write_bytes(path.read_bytes()[:-120])
    with pytest.raises(InputError, match=r"cut|whole|JSON"):
        list(read_records(path))


def test_a_changed_line_is_seen_at_the_end(records: list[ReplayRecord], tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    write_records(records, path)
    path.write_text(path.read_text("utf-8").replace('"a1"', '"b1"'), "utf-8")
    with pytest.raises(InputError, match="was changed"):
        list(read_records(path))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"format": "mba-allocations", "version": 1}\n', "utf-8")
    with pytest.raises(InputError, match="no replay records"):
        list(read_records(path))
    path.write_text('{"format": "mba-replay", "version": 2}\n', "utf-8")
    with pytest.raises(InputError, match="of version 2"):
        list(read_records(path))
    with pytest.raises(InputError, match=r"must end in \.jsonl or \.parquet"):
        read_records(tmp_path / "r.csv")


def test_of_a_long_parquet_file_only_a_part_is_in_memory(tmp_path: Path) -> None:
    lots = random.Random(1)
    path, kind = tmp_path / "r.parquet", record_of_facts(2)

    def long_ones() -> Iterator[ReplayRecord]:
        for number in range(6_000):
            yield replace(kind, allocation_id=f"a{number}", query=lots.randbytes(1_000).hex())

    write_records(long_ones(), path)
    before, most = pyarrow.total_allocated_bytes(), 0
    for _ in read_records(path):
        most = max(most, pyarrow.total_allocated_bytes() - before)
    assert path.stat().st_size > 6_000_000
    assert 0 < most < path.stat().st_size / 2
