"""A repository as memories: documents, source, history, and the conversation written about it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path, PurePosixPath

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.ingest.documents.reader import MAX_TEXT_BYTES
from mba_integrations.ingest.folder import read_folder
from mba_integrations.ingest.formats.kinds import CODE_SUFFIXES
from mba_integrations.ingest.git import read_history
from mba_integrations.ingest.git_folder import GitError
from mba_integrations.ingest.opening import read_below
from mba_integrations.ingest.reading import Ingested, Track, silently

OWN_NAME = "mba-integrations"
_PIECE_CHARS = 1200
"""About 300 tokens: several pieces fit each tier of the demo's small budgets."""
_DOCUMENTS = frozenset({".md", ".markdown", ".rst", ".adoc"})
_NO_SOURCE = frozenset({".json", ".html", ".xml", ".css", ".less", ".scss", ".sass"})
_PASSED_OVER = frozenset({"changelog", "license", "copying", "notice"})
_TEST_FOLDERS = frozenset({"test", "tests"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMemories:
    """What the demo chooses from.

    Attributes:
        items: Project memory, documents, long-term memory, working memory.
        notes: What was left out.
        is_own: Whether the repository is this project's.
    """

    items: tuple[MemoryItem, ...]
    notes: tuple[str, ...]
    is_own: bool

    def count(self, tier: MemoryTier) -> int:
        """Items of a tier."""
        return sum(item.tier is tier for item in self.items)


def demo_memories(repository: Path, *, now: datetime, track: Track = silently) -> DemoMemories:
    """Memories of a repository.

    Args:
        repository: A folder; best a git checkout.
        now: The conversation ends shortly before it. With a zone.
        track: Goes through the files and may show how far it is.

    Raises:
        InputError: If the folder holds neither documents nor source.
    """
    found = read_folder(
        repository, tier_of=demo_tier, max_chars=_PIECE_CHARS, prefix="", track=track
    )
    if not found.items:
        raise InputError(
            f"{repository.resolve()} holds no documents or source. Run mba demo in a checkout, "
            "or name one with --repo PATH."
        )
    history = _history(repository)
    is_own = is_own_repository(repository)
    conversation = demo_conversation(now) if is_own else ()
    notes = [*found.notes, *history.notes]
    if not is_own:
        notes.append(f"{repository} is not {OWN_NAME}: there is no conversation about it.")
    return DemoMemories(
        items=(*found.items, *history.items, *conversation), notes=tuple(notes), is_own=is_own
    )


def demo_tier(path: str) -> MemoryTier | None:
    """Documents are project memory, source is RAG; tests, data and legal texts are passed over.

    >>> demo_tier("docs/glossary.md"), demo_tier("tests/test_pool.py")
    (<MemoryTier.PROJECT: 'project'>, None)
    """
    pure = PurePosixPath(path)
    if pure.stem.lower() in _PASSED_OVER or _TEST_FOLDERS & set(pure.parts[:-1]):
        return None
    if any(part.startswith(".") for part in pure.parts):
        return None
    suffix = pure.suffix.lower()
    if suffix in _DOCUMENTS:
        return MemoryTier.PROJECT
    return MemoryTier.RAG if suffix in CODE_SUFFIXES - _NO_SOURCE else None


def demo_conversation(now: datetime) -> tuple[MemoryItem, ...]:
    """The conversation written for the demo, as working memory that ends shortly before *now*."""
    return tuple(
        MemoryItem(
            f"turn-{place}",
            f"{turn['role'].capitalize()}: {turn['content']}",
            MemoryTier.WORKING,
            created_at=now - timedelta(minutes=turn["minutes_ago"]),
            source="conversation",
            position=float(place),
            metadata={"role": turn["role"]},
        )
        for place, turn in enumerate(json.loads(_demo_file("conversation.json")), start=1)
    )


def demo_questions(*, own: bool) -> tuple[str, ...]:
    """Questions about this project, or about any."""
    return tuple(json.loads(_demo_file("questions.json"))["own" if own else "any"])


def is_own_repository(repository: Path) -> bool:
    """Whether the folder's pyproject.toml names this project."""
    try:
        data = read_below(repository, "pyproject.toml", max_bytes=MAX_TEXT_BYTES)
        project = tomllib.loads(data.decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    named = project.get("project")
    return isinstance(named, dict) and named.get("name") == OWN_NAME


def _history(repository: Path) -> Ingested:
    try:
        return read_history(repository)
    except GitError as error:
        return Ingested(items=(), notes=(f"no commits as long-term memory: {error}",))


def _demo_file(name: str) -> str:
    return files("mba_integrations").joinpath("demo", name).read_text("utf-8")
