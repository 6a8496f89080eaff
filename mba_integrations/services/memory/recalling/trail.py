"""`Trail`: what calls leave behind, written after them: uses, log rows, previous prompts.

A recall does not wait for the disk. What it leaves is written a moment later by a thread of the
trail's own, all of a workspace in one transaction; until then the next turn of its session finds
the previous prompt here. A process that is killed loses what was not written yet: a turn's place
in a prompt cache, a count of a use, a row of a log. No memory ever goes this way.

What a call chose before an erasure and left after it is not written: it may hold what was erased.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mba_integrations import PreviousPrompt
from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.figures import Figures, summed
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import accesses, changes
from mba_integrations.services.store.statements.log import allocations, sessions
from mba_integrations.services.store.store import Store

WAIT_SECONDS = 0.2
"""How long what is left may gather before it is written."""
MOST_WAITING = 5_000
"""Calls whose traces may wait; the next one writes them itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """What one call leaves.

    Attributes:
        workspace_id: Of which workspace.
        change_seq: Where the workspace's sequence stood when the call chose.
        session_id: In which session; None for none.
        used: Ids of the memories in the prompt, to be counted.
        previous: What the session's next call follows; None where there is no session.
        row: Makes the row of the log; None where nothing is logged.
    """

    workspace_id: str
    change_seq: int
    session_id: str | None
    used: tuple[str, ...]
    previous: PreviousPrompt | None = None
    row: Callable[[], AllocationRow] | None = None


class Trail:
    """Thread-safe. `close` writes what waits.

    Attributes:
        problem: Why the last write failed; None if it did not.
        recalled: What the rows that were logged add up to, by complexity.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Trace] = []
        self._previous: dict[tuple[str, str], PreviousPrompt] = {}
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._closed = False
        self._thread: threading.Thread | None = None
        self.problem: str | None = None
        self.recalled: dict[str, Figures] = {}

    def leave(self, trace: Trace) -> None:
        """Take a trace; it is written later."""
        with self._changed:
            self._waiting.append(trace)
            if trace.session_id is not None and trace.previous is not None:
                self._previous[trace.workspace_id, trace.session_id] = trace.previous
            full = len(self._waiting) > MOST_WAITING
            self._begin()
            self._changed.notify()
        if full:
            self.flush()

    def previous(self, workspace_id: str, session_id: str) -> PreviousPrompt | None:
        """The previous prompt of a session, if it is not written yet."""
        return self._previous.get((workspace_id, session_id))

    def flush(self) -> None:
        """Write all that waits."""
        with self._writing:
            with self._changed:
                waiting, self._waiting = self._waiting, []
            by_workspace: dict[str, list[Trace]] = {}
            for trace in waiting:
                by_workspace.setdefault(trace.workspace_id, []).append(trace)
            for workspace_id, traces in by_workspace.items():
                self._write(workspace_id, traces)
            self._forget_written(waiting)

    def drop(self, workspace_id: str) -> None:
        """Forget what waits of a workspace."""
        with self._changed:
            kept = [trace for trace in self._waiting if trace.workspace_id != workspace_id]
            self._waiting = kept
            for key in [key for key in self._previous if key[0] == workspace_id]:
                del self._previous[key]

    def close(self) -> None:
        """Write all that waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        self.flush()

    def _begin(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="mba-trail", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                self._changed.wait_for(lambda: self._closed, timeout=WAIT_SECONDS)
            self.flush()

    def _write(self, workspace_id: str, traces: Sequence[Trace]) -> None:
        try:
            rows = {trace: trace.row() for trace in traces if trace.row is not None}
            new = self._store.write(
                workspace_id, lambda writing: write_traces(writing, traces, rows)
            )
            self.problem = None
            for level, figures in new.items():
                # A new one in its place: who reads it meanwhile sees the old one, whole.
                self.recalled[level] = summed(self.recalled.get(level, {}), figures)
        except UnknownWorkspaceError:
            return  # it was deleted meanwhile
        except Exception as error:  # what cannot be written costs no answer, and not the thread
            self.problem = str(error)

    def _forget_written(self, traces: Iterable[Trace]) -> None:
        with self._changed:
            for trace in traces:
                key = (trace.workspace_id, trace.session_id or "")
                if self._previous.get(key) is trace.previous:
                    self._previous.pop(key, None)


def write_traces(
    writing: Writing, traces: Sequence[Trace], rows: Mapping[Trace, AllocationRow]
) -> Mapping[str, Figures]:
    """Write the traces of one workspace, the first one first, with their rows of the log; gives
    what those add up to, by complexity."""
    writing.hold()
    traces = _without_erased(writing, traces)
    for session_id in dict.fromkeys(trace.session_id for trace in traces):
        own = [trace for trace in traces if trace.session_id == session_id]
        used = dict.fromkeys(memory_id for trace in own for memory_id in trace.used)
        if used:
            accesses.count(writing, list(used), session_id=session_id)
        latest = next((trace.previous for trace in reversed(own) if trace.previous), None)
        if session_id is not None and latest is not None:
            sessions.put(writing, session_id, latest.to_dict())
    return allocations.add(writing, [rows[trace] for trace in traces if trace in rows])


def _without_erased(writing: Writing, traces: Sequence[Trace]) -> list[Trace]:
    """Those whose calls had seen every erasure there was."""
    feed = changes.changes_since(writing, min(trace.change_seq for trace in traces))
    if not feed.complete:
        return []
    erased = [one.change_seq for one in feed.changes if one.op is ChangeOp.ERASE]
    return [trace for trace in traces if trace.change_seq >= max(erased, default=0)]
