"""`MemoryService`: memories that stay, and come back within a budget.

    with MemoryService.open("memory.db") as service:
        service.create_workspace("kate", template="conversation", exist_ok=True)
        service.remember("kate", ["Kate moved to Lisbon in March."])
        reply = service.recall("kate", "Where does Kate live?", budget_tokens=400)
        print(reply.prompt_text)

One service may be used by many threads; several services, in several processes, may stand on one
store. What a write gave back is durable. No language model is called.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.live import LiveHandle
from mba_integrations.core.search.embedder import Embedder
from mba_integrations.services.access.keys import Keys
from mba_integrations.services.memory.answers import Answers
from mba_integrations.services.memory.asking import Asking
from mba_integrations.services.memory.beyond import job as index_job
from mba_integrations.services.memory.beyond.sizes import DEFAULT_POOL_MEMORIES, Sizes
from mba_integrations.services.memory.changing import Changing
from mba_integrations.services.memory.embedding import job as embed_job
from mba_integrations.services.memory.embedding.embeddings import Embeddings
from mba_integrations.services.memory.embedding.models import (
    EmbeddingModel,
    EmbeddingModels,
    model_named,
)
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.erasures import Erasures
from mba_integrations.services.memory.jobs.tasks import Tasks
from mba_integrations.services.memory.once import Once
from mba_integrations.services.memory.organising import job as organise_job
from mba_integrations.services.memory.organising.extraction import Extractor, extraction_by
from mba_integrations.services.memory.organising.merges import Merges, Organiser
from mba_integrations.services.memory.organising.organisation import Organisation
from mba_integrations.services.memory.past.allocations import Allocations
from mba_integrations.services.memory.pools.cache import DEFAULT_POOL_BYTES, PoolCache
from mba_integrations.services.memory.pools.past_gains import PastGains
from mba_integrations.services.memory.questions.questions import Questions
from mba_integrations.services.memory.recalling.handed_records import HandedRecords
from mba_integrations.services.memory.recalling.trail import Trail
from mba_integrations.services.memory.remembering import extraction_request
from mba_integrations.services.memory.retention.rules import RetentionPolicy
from mba_integrations.services.memory.retention.sweep import Retention
from mba_integrations.services.memory.settings import KnownSettings
from mba_integrations.services.memory.tallies import Event, Tallies
from mba_integrations.services.memory.tiers.reviews import Tiers
from mba_integrations.services.memory.tracing.traces import Traces
from mba_integrations.services.memory.transfer import import_job
from mba_integrations.services.memory.transfer.transfer import Transfer
from mba_integrations.services.memory.tuning.handlers import handlers_by
from mba_integrations.services.memory.tuning.tuning import Tuning
from mba_integrations.services.memory.workspaces import Workspaces
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.store import Store, StoreStatus, utc_now

if TYPE_CHECKING:
    from mba_integrations.services.store.sqlite.backups import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """How a service is.

    Attributes:
        store: How its store is.
        pool_bytes: How much its pools take in memory, about.
        pool_events: How often recalls found theirs as it stood (`hit`), had it follow changes
            (`apply`) or had it loaded (`load`), and how often one was let go for room (`evict`).
        trail_problem: Why what calls left could not be written last; None if it could.
        worker_problem: Why the worker's last round failed; None if it did not.
    """

    store: StoreStatus
    pool_bytes: int
    pool_events: Mapping[str, int]
    trail_problem: str | None
    worker_problem: str | None


class MemoryService(Asking, Changing, LiveHandle):
    """Remembers, recalls, organises and forgets.

    Made by `open`. `close` it, or use it in a `with` block: what calls left to be written is
    written then.

    Args:
        store: Where everything is kept; the service closes it.
        models: What makes vectors; None for none.
        token_counter: As for `MemoryBudgetAllocator`.
        extractor: As for `open`.
        organiser: As for `open`.
        pool_bytes: How much the pools of workspaces may take in memory, about.
        pool_memories: As for `open`.
        background: Whether a thread does jobs as they come; without it `jobs.run` does them.
        traces: As for `open`.

    Attributes:
        workspaces: Make, list, change and delete workspaces.
        keys: Make, list and revoke the keys by which callers of a server are known.
        answers: What requests of a server were answered.
        allocations: Past recalls: list, read, ask again, compare.
        questions: Questions whose answers are known: what settings bring of what they need.
        jobs: Run, list, retry and cancel jobs.
        embeddings: Which vectors workspaces have.
        retention: What is kept how long: preview and apply.
        tiers: Review which memories should move, apply that, undo it.
        organisation: Order that keeps itself, on a schedule.
        merges: What an organiser proposes to bring together.
        tuning: Settings learned from past recalls: look for them, apply them, take them back.
        erasures: Take memories out of everything that knows of them.
        transfer: Export and import.
    """

    _holds = "its pools, its store and its threads"
    _instead = "Open a service in the other process, on the same store."

    def __init__(
        self,
        store: Store,
        *,
        models: EmbeddingModels | None = None,
        token_counter: object = None,
        extractor: Extractor | None = None,
        organiser: Organiser | None = None,
        pool_bytes: int = DEFAULT_POOL_BYTES,
        pool_memories: int = DEFAULT_POOL_MEMORIES,
        background: bool = True,
        traces: Traces | None = None,
    ) -> None:
        models = EmbeddingModels(None) if models is None else models
        settings, records, tallies = KnownSettings(), HandedRecords(), Tallies()
        allocator = MemoryBudgetAllocator(
            token_counter, clock=store.clock, logs=records, workspaces=settings
        )
        self._equipment = Equipment(
            store=store,
            allocator=allocator,
            records=records,
            settings=settings,
            models=models,
            pools=PoolCache(models.model_of, tallies, most_bytes=pool_bytes),
            past_gains=PastGains(),
            trail=Trail(store),
            clock=store.clock,
            tallies=tallies,
            traces=Traces() if traces is None else traces,
            sizes=Sizes(pool_memories),
            wake=self._wake,
        )
        self._closed = False
        self.workspaces = Workspaces(self._equipment)
        self.keys = Keys(store)
        self.answers = Answers(self._equipment)
        self.allocations = Allocations(self._equipment)
        self.questions = Questions(self._equipment, token_counter)
        handlers = {
            embed_job.KIND: embed_job.embed_missing,
            organise_job.KIND: organise_job.organise,
            extraction_request.KIND: extraction_by(extractor),
            index_job.KIND: index_job.index_workspace,
            **handlers_by(token_counter),
            import_job.KIND: import_job.import_parts(extracts=extractor is not None),
        }
        self._extracts = extractor is not None
        self.jobs = Tasks(self._equipment, handlers, background=background)
        self.retention = Retention(self._equipment)
        self.tiers = Tiers(self._equipment)
        self.organisation = Organisation(self._equipment, self.jobs.wake)
        self.merges = Merges(self._equipment, organiser)
        self.tuning = Tuning(self._equipment, self.jobs.wake)
        self.erasures = Erasures(self._equipment)
        self.transfer = Transfer(self._equipment, self.jobs.wake, extracts=self._extracts)
        self.embeddings = Embeddings(self._equipment, self.jobs.wake)
        self.jobs.wake()  # a process before this one may have left some

    @classmethod
    def open(
        cls,
        where: str | os.PathLike[str],
        *,
        embedder: Embedder | None = None,
        embedding_model: str | None = None,
        former_embedding: EmbeddingModel | None = None,
        token_counter: object = None,
        extractor: Extractor | None = None,
        organiser: Organiser | None = None,
        pool_bytes: int = DEFAULT_POOL_BYTES,
        pool_memories: int = DEFAULT_POOL_MEMORIES,
        background: bool = True,
        traces: Traces | None = None,
        clock: Callable[[], datetime] = utc_now,
        **store_options: Any,
    ) -> MemoryService:
        """A service on a store, which is made if it is not there.

        Args:
            where: Path of a SQLite file, or `postgresql://...`.
            embedder: Callable from n texts to an array of shape (n, d). Without it memories are
                found by their words, and by the embeddings that they bring.
            embedding_model: Names what the embedder is, or the embeddings that memories bring; the
                embedder's `id` by default.
            former_embedding: The model whose place the embedder takes: recall uses it in each
                workspace until all its memories have a vector of the new one.
            token_counter: As for `MemoryBudgetAllocator`.
            extractor: Callable from chat messages to what is worth remembering of them: each call
                of `remember` with messages, and each import of a chat, gives it those, by a job.
            organiser: Callable from memories to `MergeProposal`s, for `merges`.
            pool_bytes: How much the pools of workspaces may take in memory, about.
            pool_memories: How many memories of one workspace may be held in memory. Above it
                Postgres finds the candidates, at most 20,000; on SQLite it is an error.
            background: Whether a thread does jobs as they come; without it `jobs.run` does them.
            traces: Where spans of OpenTelemetry go; None for nowhere.
            clock: The present, with a zone.
            store_options: As for `open_store`, such as `exclusive`.

        Raises:
            MissingExtraError: If the database's driver is not installed.
            StoreError: If the store cannot be opened.
            InputError: If an argument is unusable.
        """
        models = EmbeddingModels(model_named(embedder, embedding_model), former_embedding)
        store = open_store(where, clock=clock, **store_options)
        return cls(
            store,
            models=models,
            token_counter=token_counter,
            extractor=extractor,
            organiser=organiser,
            pool_bytes=pool_bytes,
            pool_memories=pool_memories,
            background=background,
            traces=traces,
        )

    def close(self) -> None:
        """End the threads, write what waits and close the store. A second time is no error."""
        self._closed = True
        self.jobs.close()
        self._equipment.trail.close()
        self._equipment.store.close()

    def backup(self, path: str | os.PathLike[str]) -> Path:
        """Copy a SQLite store, as it stands now, into a file that must not be there.

        Raises:
            StoreError: On Postgres, whose own tools do that.
            StoreFileError: If the file is there, or cannot be made.
        """
        self._equipment.trail.flush()
        return self._equipment.store.backup(os.fspath(path))

    @staticmethod
    def verify_backup(path: str | os.PathLike[str]) -> Manifest:
        """What a backup has, once it was found to be whole.

        Raises:
            StoreFileError: If it is damaged or none.
        """
        from mba_integrations.services.store.sqlite.backups import verify

        return verify(Path(path))

    @staticmethod
    def restore_backup(backup: str | os.PathLike[str], where: str | os.PathLike[str]) -> Manifest:
        """Put a backup in the place of a SQLite store, without what was erased since it was made.

        Raises:
            StoreFileError: If it is damaged, or *where* holds another store.
            StoreInUseError: If the store is open.
        """
        from mba_integrations.services.store.sqlite.restoring import restore

        return restore(Path(backup), Path(where))

    @property
    def equipment(self) -> Equipment:
        """What other services of this package stand on."""
        return self._equipment

    def now(self) -> datetime:
        """The present, by the service's clock."""
        return self._equipment.clock()

    def check(self) -> None:
        """Read of the store, so that who waits for the service knows that it can.

        Raises:
            StoreError: If it cannot be read.
        """
        with self._equipment.store.read_all() as reading:
            reading.store_info("ledger_key")

    def secret(self, purpose: str) -> bytes:
        """A secret for a purpose, the same wherever the store is opened. It tells of no other one.

        Raises:
            StoreError: If the store cannot be read.
        """
        with self._equipment.store.read_all() as reading:
            key = bytes.fromhex(reading.store_info("ledger_key"))
        return hmac.digest(key, f"secret for {purpose}".encode(), "sha256")

    def status(self) -> ServiceStatus:
        """How the service and its store are."""
        equipment = self._equipment
        return ServiceStatus(
            store=equipment.store.status(),
            pool_bytes=equipment.pools.bytes,
            pool_events={what: n for (what,), n in equipment.tallies.of(Event.POOL).items()},
            trail_problem=equipment.trail.problem,
            worker_problem=self.jobs.problem,
        )

    def is_in_memory(self, workspace_id: str) -> bool:
        """Whether the workspace's memories are loaded, so that a recall need not wait for that."""
        return self._equipment.pools.holds(workspace_id)

    def _wake(self) -> None:
        self.jobs.wake()

    @property
    def extracts(self) -> bool:
        """Whether an extractor reads the messages that are remembered."""
        return self._extracts

    @property
    def tallies(self) -> Tallies:
        """How often what happened since the service began."""
        return self._equipment.tallies

    @property
    def recalled(self) -> Mapping[str, Mapping[int, int]]:
        """What the recalls that this service logged add up to, by complexity; see `figures`."""
        return self._equipment.trail.recalled

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create_workspace(
        self,
        workspace_id: str,
        *,
        template: str | None = None,
        retention: RetentionPolicy | Mapping[str, Any] | None = None,
        time_zone: str = "UTC",
        exist_ok: bool = False,
        once: Once | None = None,
        **overrides: Any,
    ) -> WorkspaceConfig:
        """Make a workspace: the memories and settings of one tenant or use.

        Args:
            workspace_id: Its id.
            template: A workspace of the shipped settings file that it begins as; None for the
                defaults.
            retention: How long its memories are kept; everything for ever by default.
            time_zone: In which the days of dates without a time end.
            exist_ok: Whether one that is there is taken as it is, with its settings.
            once: Names the request; made again, it is not done again.
            overrides: Settings that differ, by name; groups as mappings of what differs.

        Returns:
            The settings that hold.

        Raises:
            WorkspaceExistsError: If it is there, unless *exist_ok*.
            UnknownWorkspaceError: If there is no such template.
            ConfigError: If a setting is out of its range.
        """
        return self.workspaces.create(
            workspace_id,
            template=template,
            retention=retention,
            time_zone=time_zone,
            exist_ok=exist_ok,
            once=once,
            **overrides,
        )
