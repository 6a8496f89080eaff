"""Whether a store keeps the rules of `LogStore`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from mba_integrations import AllocationRecord, LoggingSettings, LogStore, MovesRecord
from mba_integrations.testing.clock import NOON
from mba_integrations.testing.rules import at_once, no_error, require

SETTINGS = LoggingSettings(include_text=True)
COUNT = 40


def check_log_store(make_store: Callable[[], LogStore]) -> None:
    """Check a store of log records.

    Args:
        make_store: Makes an empty store.

    Raises:
        AssertionError: With the first rule that is broken.
    """
    store = make_store()
    name = type(store).__name__
    given: list[AllocationRecord | MovesRecord] = [
        _record(0, "a"),
        _moves(1, "a"),
        _record(2, "b"),
        _record(2, "a"),
    ]
    with no_error(f"{name}: record or records", "Rule 2: it returns a sentence instead."):
        require(not tuple(store.records()), f"{name}: a new store has records.")
        for record in given:
            note = store.record(record, SETTINGS)
            told = (
                f"{name}: record returned {note!r}; rule 2: a sentence, or None if all went well."
            )
            require(note is None, told)
        kept = tuple(store.records())
    for workspace_id in ("a", "b"):
        expected = [record for record in given if record.workspace_id == workspace_id]
        found = [record for record in kept if record.workspace_id == workspace_id]
        told = f"{name}: records of a workspace are not those that were recorded, in order; rule 3."
        require(found == expected, told)
    _check_threads(make_store(), name)


def _check_threads(store: LogStore, name: str) -> None:
    given = [_record(number, f"w{number}") for number in range(COUNT)]
    at_once(lambda one: store.record(one, SETTINGS), given, f"{name}: record")
    found = sorted(store.records(), key=lambda record: record.timestamp)
    told = f"{name}: of {COUNT} records from several threads, {len(found)} are kept; rule 4."
    require(found == given, told)


def _record(minute: int, workspace_id: str) -> AllocationRecord:
    return AllocationRecord(
        timestamp=(NOON + timedelta(minutes=minute)).isoformat(),
        workspace_id=workspace_id,
        complexity="simple",  # type: ignore[arg-type]  # names are accepted
        budget_tokens=100,
        used_tokens=90,
        value=1.5,
        upper_bound=2.0,
        duration_ms=0.1,
        notes=("a note",),
        query="why \ud800 \0?",
        texts=("\u65e5\u672c",),
    )


def _moves(minute: int, workspace_id: str) -> MovesRecord:
    timestamp = (NOON + timedelta(minutes=minute)).isoformat()
    return MovesRecord(timestamp=timestamp, workspace_id=workspace_id, promoted=1, demoted=2)
