"""`MemoryBudgetAllocator` and its sessions: the front door.

It keeps what outlives a call: workspaces, counters, prepared lists, records and the last prompts of
sessions. `calls.call.Call` is the call itself. Many threads may allocate on one allocator. The
clock is the only thing read from outside, for the default of `now`, for durations and for the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from mba_integrations.core.arguments import check_function, check_methods, checked_text, shown
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.budget.complexity import ComplexityEstimate, estimate_complexity
from mba_integrations.core.calls.call import Call, Equipment
from mba_integrations.core.calls.counters import WorkspaceCounters
from mba_integrations.core.calls.logs import AllocationLogs
from mba_integrations.core.calls.present import utc_now
from mba_integrations.core.calls.reranking import (
    RERANK_CANDIDATES,
    RERANK_SECONDS,
    Reranker,
    reranking_of,
)
from mba_integrations.core.calls.session_memory import SessionMemory
from mba_integrations.core.calls.session_store import SessionStore
from mba_integrations.core.config.loader import MemoryBudgetConfigLoader
from mba_integrations.core.config.registry import (
    WorkspaceMemory,
    WorkspaceRegistry,
    WorkspaceStore,
)
from mba_integrations.core.config.watched_file import WatchedConfigFile
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.counting.given_counters import as_token_counter
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.protocol import PromptLayout
from mba_integrations.core.lifecycle import (
    LifecycleReview,
    evaluate_promotion_demotion,
    listed_items,
)
from mba_integrations.core.live import LiveHandle
from mba_integrations.core.log.statistics import AllocationStatistics
from mba_integrations.core.log.store import LogMemory, LogStore
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.pool.prepared import PreparedPools
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.search.cached_embedder import CachedEmbedder
from mba_integrations.core.search.embedder import Embedder
from mba_integrations.core.search.tokens.cached_token_embedder import CachedTokenEmbedder
from mba_integrations.core.search.tokens.token_vectors import TokenEmbedder
from mba_integrations.core.times import check_zones, has_zone, latest_time, present_of
from mba_integrations.core.turns.previous import PreviousPrompt

_OF_SESSIONS = ("recall", "remember", "forget")


def _remembering(embedder: Embedder | None) -> Embedder | None:
    if embedder is None or isinstance(embedder, CachedEmbedder):
        return embedder
    return CachedEmbedder(embedder)


def _remembering_tokens(embedder: TokenEmbedder | None) -> CachedTokenEmbedder | None:
    if embedder is None or isinstance(embedder, CachedTokenEmbedder):
        return embedder
    return CachedTokenEmbedder(embedder)


def _check_config(config: object) -> None:
    if not isinstance(config, WorkspaceConfig):
        raise InputError(f"config must be a WorkspaceConfig, got {type(config).__name__}.")


class MemoryBudgetAllocator(LiveHandle):
    """Decides which memories enter the prompt.

    Args:
        token_counter: A `TokenCounter`, a callable from text to tokens, a `tokenizers.Tokenizer`
            or a `tiktoken.Encoding`. Without it each workspace's `counting.model` decides.
        embedder: Callable from a list of n texts to an array of shape (n, d). Each text is embedded
            once; give a `CachedEmbedder` to set how many vectors are kept. Without it, items are
            matched by their words and by the embeddings that they bring.
        token_embedder: Callable from n texts to n arrays of shape (tokens, d), the vectors of each
            text's tokens. Beside vectors of whole texts, the few hundred items that match best are
            compared with the query token by token. They are embedded when first compared, and kept
            within a bound; give a `CachedTokenEmbedder` to set it. Not asked where there are no
            vectors of whole texts to compare.
        reranker: Callable from a query and a list of n texts to n numbers, higher is better, on
            any scale; such as a cross-encoder. It is asked about the best candidates, and its order
            moves their estimates. Not asked where the relevance of every item is given.
        rerank_candidates: Most texts that it is asked about, >= 2.
        rerank_seconds: How long a call waits for it, > 0; then the choice goes on without it, and
            a note says so. None for as long as it takes.
        clock: Gives the present, with a zone. For the default of `now`, sessions and the log.
        sessions: Where the previous prompts of sessions are kept; by default in memory. With a
            store that several processes share, each continues the prompts of the others.
        logs: Where records are kept; by default in memory.
        workspaces: Where workspaces are registered; by default in memory.

    A workspace `default` is there from the start; registering another under that id replaces it.

    >>> allocator = MemoryBudgetAllocator(token_counter=lambda text: len(text.split()))
    >>> memories = [MemoryItem("a", "Kate likes skiing.", "project")]
    >>> allocator.allocate_memory_budget("What does Kate like?", memories).prompt_text
    '## Project\\n- Kate likes skiing.\\n'
    """

    _holds = "its records and the last prompts of its sessions"
    _instead = (
        "Make an allocator in the other process, of the same settings, and give both the same "
        "sessions=, logs= and workspaces= where they should know of each other."
    )

    def __init__(
        self,
        token_counter: object = None,
        embedder: Embedder | None = None,
        *,
        token_embedder: TokenEmbedder | None = None,
        reranker: Reranker | None = None,
        rerank_candidates: int = RERANK_CANDIDATES,
        rerank_seconds: float | None = RERANK_SECONDS,
        clock: Callable[[], datetime] = utc_now,
        sessions: SessionStore | None = None,
        logs: LogStore | None = None,
        workspaces: WorkspaceStore | None = None,
    ) -> None:
        check_function("clock", clock)
        given = None if token_counter is None else as_token_counter(token_counter)
        self._equipment = Equipment(
            counters=WorkspaceCounters(given),
            prepared=PreparedPools(),
            embedder=_remembering(embedder),
            token_embedder=_remembering_tokens(token_embedder),
            reranking=reranking_of(reranker, rerank_candidates, rerank_seconds),
            clock=clock,
        )
        self._workspaces = WorkspaceRegistry(
            WorkspaceMemory() if workspaces is None else workspaces
        )
        self._logs = AllocationLogs(LogMemory() if logs is None else logs, clock)
        self._sessions = SessionMemory(clock) if sessions is None else sessions
        check_methods("sessions", self._sessions, "a SessionStore", _OF_SESSIONS)

    @classmethod
    def from_yaml(
        cls,
        path: str | Path,
        *,
        reload: bool = False,
        token_counter: object = None,
        embedder: Embedder | None = None,
        token_embedder: TokenEmbedder | None = None,
        reranker: Reranker | None = None,
        rerank_candidates: int = RERANK_CANDIDATES,
        rerank_seconds: float | None = RERANK_SECONDS,
        clock: Callable[[], datetime] = utc_now,
        sessions: SessionStore | None = None,
        logs: LogStore | None = None,
        workspaces: WorkspaceStore | None = None,
    ) -> MemoryBudgetAllocator:
        """An allocator with the workspaces of a file.

        Args:
            path: The YAML file.
            reload: Whether a changed file is picked up by the next call. An invalid new file
                keeps the old settings, and each allocation says so in its notes.
            token_counter: As for the constructor.
            embedder: As for the constructor.
            token_embedder: As for the constructor.
            reranker: As for the constructor.
            rerank_candidates: As for the constructor.
            rerank_seconds: As for the constructor.
            clock: As for the constructor.
            sessions: As for the constructor.
            logs: As for the constructor.
            workspaces: As for the constructor; without *reload*, those of the file are registered
                there.

        Raises:
            ConfigFileError: If the file is invalid now.
        """
        allocator = cls(
            token_counter,
            embedder,
            token_embedder=token_embedder,
            reranker=reranker,
            rerank_candidates=rerank_candidates,
            rerank_seconds=rerank_seconds,
            clock=clock,
            sessions=sessions,
            logs=logs,
            workspaces=workspaces,
        )
        if reload:
            allocator._workspaces.watch(WatchedConfigFile(path))
        else:
            for config in MemoryBudgetConfigLoader.load_from_yaml(path).values():
                allocator.register_workspace(config)
        return allocator

    def register_workspace(self, config: WorkspaceConfig) -> None:
        """Add a workspace, or replace the one of the same id."""
        _check_config(config)
        self._workspaces.register(config)

    @property
    def workspace_ids(self) -> tuple[str, ...]:
        """Ids of the workspaces, in order of registration."""
        return self._workspaces.ids()

    def workspace(self, workspace_id: str) -> WorkspaceConfig:
        """The settings that a call for this workspace uses now.

        Raises:
            UnknownWorkspaceError: With the known ids.
        """
        return self._workspaces.get(workspace_id)

    def token_counter(self, workspace_id: str) -> TokenCounter:
        """What counts a workspace's texts; it remembers those that come again.

        Raises:
            UnknownWorkspaceError: With the known ids.
        """
        return self._equipment.counters.of(self.workspace(workspace_id))[1]

    def estimate_query_complexity(
        self,
        query: str,
        *,
        workspace_id: str = "default",
        conversation_turns: int = 0,
        candidate_count: int = 0,
    ) -> ComplexityEstimate:
        """How much a query asks for, with the evidence."""
        return estimate_complexity(
            query,
            settings=self.workspace(workspace_id).complexity,
            conversation_turns=conversation_turns,
            candidate_count=candidate_count,
        )

    def allocate_memory_budget(
        self,
        query: str,
        available_memories: Sequence[MemoryItem] | MemoryPool,
        workspace_id: str = "default",
        budget_tokens: int | None = None,
        query_embedding: Sequence[float] | FloatArray | None = None,
        now: datetime | None = None,
        previous: Allocation | PreviousPrompt | None = None,
        *,
        reserved_tokens: int | None = None,
        layout: PromptLayout | None = None,
    ) -> Allocation:
        """Choose memories for a query and write the prompt.

        Args:
            query: What is asked. May be empty: then nothing matches it, and a relevance that is not
                given counts as 0. By `usefulness` importance, age, place and length are left to
                decide, by `weighted_sum` importance and age; by `product` every such value is 0,
                and items come in by input order.
            available_memories: The candidates, with unique ids. They are not changed.
            workspace_id: Whose settings apply.
            budget_tokens: An exact total, >= 1, instead of the complexity-scaled ceiling.
            query_embedding: Vector of the query, shape (d,); else the embedder makes it.
            now: The time that ages are counted from; the clock's by default. Give it where equal
                input must give equal output.
            previous: The allocation of the turn before, or its `as_previous`. Items that stay keep
                their order and new ones follow them in their section, so that a provider's prompt
                cache keeps its prefix. Ignored with a note if it is of another workspace.
            reserved_tokens: Tokens that the caller needs for itself, in place of the workspace's
                reserve. They come off the ceiling, not off `budget_tokens`.
            layout: How the prompt is written and counted, where a framework writes it; by the
                workspace's rendering settings without it.

        Returns:
            The allocation, for which `count(prompt_text) == used_tokens <= budget_tokens`.

        Raises:
            UnknownWorkspaceError: If no such workspace is registered.
            InputError: If an argument or the items are unusable.
            PinnedOverBudgetError: If the pinned items do not fit.
            BudgetError: If the layout measures more for a prompt without text than the budget.
            TokenizerError: If no vocabulary is at hand.
        """
        checked_text("query", query)
        if layout is not None and not callable(getattr(layout, "write", None)):
            raise InputError(f"layout must be a PromptLayout, got {type(layout).__name__}.")
        config = self.workspace(workspace_id)
        allocation = Call(
            equipment=self._equipment,
            config=config,
            config_notes=self._workspaces.notes(),
            query=query,
            memories=available_memories,
            budget_tokens=budget_tokens,
            reserved_tokens=reserved_tokens,
            query_embedding=query_embedding,
            now=now,
            previous=previous,
            layout=layout,
        ).run()
        return self._logs.record(allocation, config.logging)

    def session(self, session_id: str) -> AllocationSession:
        """A conversation, run or thread whose calls follow each other without `previous`.

        Args:
            session_id: Any text, not empty. The same id is the same session.

        Raises:
            InputError: If the id is not a text or empty.
        """
        return AllocationSession(self, session_id, self._sessions)

    def evaluate_promotion_demotion(
        self,
        items: Iterable[MemoryItem],
        config: WorkspaceConfig,
        *,
        now: datetime | None = None,
    ) -> LifecycleReview:
        """Recommend moves between tiers. Nothing moves until `apply_recommendations` is called.

        Args:
            items: The items to look at.
            config: The workspace whose promotion settings apply.
            now: The time that ages are counted from; the clock's by default.
        """
        _check_config(config)
        listed = listed_items(items)
        check_zones(listed, None)
        latest = latest_time(listed)
        naive = None if latest is None else not has_zone(latest)
        review = evaluate_promotion_demotion(
            listed,
            settings=config.promotion,
            scores=None,
            now=present_of(now, self._equipment.clock, listed, naive=naive),
        )
        self._logs.record_moves(
            config.workspace_id,
            config.logging,
            promoted=len(review.promotions),
            demoted=len(review.demotions),
        )
        return review

    def get_allocation_statistics(
        self, workspace_id: str | None = None, time_window_hours: float | None = None
    ) -> AllocationStatistics:
        """Counts, utilisation, complexity mix, omission reasons and latency of past allocations.

        Args:
            workspace_id: One workspace, or None for all.
            time_window_hours: How far to look back, > 0; None for all that is recorded.
        """
        if workspace_id is not None:
            self.workspace(workspace_id)
        return self._logs.statistics(workspace_id, time_window_hours)

    def export_allocation_log(self, path: str | Path) -> None:
        """Write the recorded allocations to a JSON file; a crash leaves an old file whole."""
        self._logs.export(path)


class AllocationSession(LiveHandle):
    """One conversation, run or thread whose prompts follow each other.

    Made by `MemoryBudgetAllocator.session`. Holds nothing itself: two sessions of one id are the
    same session, in one thread or in several. Give prompts that are written side by side, such as
    one of history and one of documents, sessions of their own. Of two calls at the same time, the
    later to end is what the next call follows.

    Args:
        allocator: What allocates.
        session_id: Any text, not empty.
        store: Where previous prompts are kept.
    """

    _holds = "the allocator and the store behind it"
    _instead = (
        "Keep its session_id and ask the allocator there for the session; previous().to_dict() "
        "carries the last prompt."
    )

    def __init__(
        self, allocator: MemoryBudgetAllocator, session_id: str, store: SessionStore
    ) -> None:
        if not isinstance(session_id, str) or not session_id:
            raise InputError(
                f"session_id must be a text that is not empty, got {shown(session_id)}."
            )
        self.session_id = session_id
        self._allocator = allocator
        self._store = store

    def allocate_memory_budget(
        self,
        query: str,
        available_memories: Sequence[MemoryItem] | MemoryPool,
        workspace_id: str = "default",
        budget_tokens: int | None = None,
        query_embedding: Sequence[float] | FloatArray | None = None,
        now: datetime | None = None,
        *,
        reserved_tokens: int | None = None,
        layout: PromptLayout | None = None,
    ) -> Allocation:
        """`MemoryBudgetAllocator.allocate_memory_budget`, following the session's last prompt.

        A call that raises leaves what is remembered as it was.
        """
        settings = self._allocator.workspace(workspace_id).performance
        allocation = self._allocator.allocate_memory_budget(
            query,
            available_memories,
            workspace_id,
            budget_tokens,
            query_embedding,
            now,
            self._store.recall(workspace_id, self.session_id, settings),
            reserved_tokens=reserved_tokens,
            layout=layout,
        )
        self._store.remember(self.session_id, allocation.as_previous, settings)
        return allocation

    def previous(self, workspace_id: str = "default") -> PreviousPrompt | None:
        """What the next call in the workspace follows; None for a new or forgotten session."""
        settings = self._allocator.workspace(workspace_id).performance
        return self._store.recall(workspace_id, self.session_id, settings)

    def forget(self) -> None:
        """Begin anew: the next call in any workspace follows nothing."""
        self._store.forget(self.session_id)
