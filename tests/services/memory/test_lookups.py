"""What a write looks up is found by an index, however large the workspace is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.erasure import pruning
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import finding, vectors

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ROW = MemoryRow(memory_id="x", content="Kate skis.", tier="rag")
NAMED = MemoryFilter(memory_ids=frozenset("x"))


@pytest.mark.parametrize(
    ("look_up", "key"),
    [
        pytest.param(lambda scope: finding.find(scope, ["x"]), "memory_id=?", id="by-id"),
        pytest.param(lambda scope: finding.repeated(scope, [ROW]), "content_hash=?", id="by-text"),
        pytest.param(lambda scope: finding.ids(scope, NAMED), "memory_id=?", id="by-filter"),
        pytest.param(lambda scope: pruning.old_allocations(scope, NOON), "at<?", id="old-log"),
        pytest.param(
            lambda scope: pruning.old_allocations(scope, NOON, with_items=True),
            "at<?",
            id="old-items-of-the-log",
        ),
        pytest.param(lambda scope: vectors.of(scope, "m", ["x"]), "memory_id=?", id="vectors"),
    ],
)
def test_a_look_up_does_not_walk_through_the_workspace(
    service: MemoryService, look_up: Callable[[Reading], object], key: str
) -> None:
    sent: list[tuple[str, Any]] = []
    with service._equipment.store.read("kate") as reading:
        engine = reading.connection.engine

        def note(_: object, __: object, statement: str, parameters: Any, *rest: object) -> None:
            sent.append((statement, parameters))

        sqlalchemy.event.listen(engine, "before_cursor_execute", note)
        look_up(reading)
        sqlalchemy.event.remove(engine, "before_cursor_execute", note)
        statement, parameters = sent[0]
        explained = f"EXPLAIN QUERY PLAN {statement}"
        plan = reading.connection.exec_driver_sql(explained, parameters).all()
    assert key in plan[0][-1]
