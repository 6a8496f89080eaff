"""A store of sessions, records and workspaces in one file, which several processes can share."""

from __future__ import annotations

import json
import pickle
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mba_integrations import (
    LoggingSettings,
    PerformanceSettings,
    PreviousPrompt,
    WorkspaceConfig,
    record_from_dict,
)
from mba_integrations.core.log.records import LogRecord


class SqliteStore:
    """Sessions, records and workspaces in one file: every protocol at once."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("CREATE TABLE IF NOT EXISTS record (value)")
        for table in ("session", "workspace"):
            columns = "key, part, value, UNIQUE (key, part)"
            self._database.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")

    def _put(self, table: str, key: str, part: str, value: Any) -> None:
        # An update in place: what is replaced keeps its place in the order.
        self._database.execute(
            f"INSERT INTO {table} VALUES (?, ?, ?) "
            "ON CONFLICT (key, part) DO UPDATE SET value = excluded.value",
            (key, part, value),
        )

    def _get(self, table: str, key: str, part: str) -> Any:
        found = self._database.execute(
            f"SELECT value FROM {table} WHERE key = ? AND part = ?", (key, part)
        ).fetchone()
        return found[0] if found else None

    def recall(
        self, workspace_id: str, session_id: str, _: PerformanceSettings, /
    ) -> PreviousPrompt | None:
        kept = self._get("session", session_id, workspace_id)
        return pickle.loads(kept) if kept else None

    def remember(self, session_id: str, prompt: PreviousPrompt, _: PerformanceSettings, /) -> None:
        self._put("session", session_id, prompt.workspace_id, pickle.dumps(prompt))

    def forget(self, session_id: str, /) -> None:
        self._database.execute("DELETE FROM session WHERE key = ?", (session_id,))

    def record(self, record: LogRecord, _: LoggingSettings, /) -> str | None:
        kept = json.dumps(record.to_dict())
        self._database.execute("INSERT INTO record VALUES (?)", (kept,))
        return None

    def records(self) -> Iterator[LogRecord]:
        for (kept,) in self._database.execute("SELECT value FROM record ORDER BY rowid"):
            yield record_from_dict(json.loads(kept))

    def register(self, config: WorkspaceConfig, /) -> None:
        self._put("workspace", config.workspace_id, "", config.model_dump_json())

    def find(self, workspace_id: str, /) -> WorkspaceConfig | None:
        kept = self._get("workspace", workspace_id, "")
        return WorkspaceConfig(**json.loads(kept)) if kept else None

    def ids(self) -> Sequence[str]:
        return [
            key for (key,) in self._database.execute("SELECT key FROM workspace ORDER BY rowid")
        ]
