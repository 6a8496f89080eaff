"""What the server answers, as typed mappings: JSON as it came, with names for type checkers."""

from __future__ import annotations

from typing import Any, TypedDict


class RememberedOne(TypedDict):
    """What became of one memory."""

    id: str | None
    created: bool
    duplicate_of: str | None
    error: str | None


class Remembered(TypedDict):
    """What became of the memories of a request, in their order."""

    results: list[RememberedOne]
    change_seq: int
    notes: list[str]


class Selected(TypedDict):
    """A memory in the prompt."""

    id: str
    tier: str
    tokens: int
    score: float


class Recall(TypedDict):
    """The memories for a question, within the budget."""

    allocation_id: str
    workspace_id: str
    session_id: str | None
    query: str
    prompt_text: str
    used_tokens: int
    budget_tokens: int
    complexity: str
    tiers: dict[str, dict[str, int]]
    selected: list[Selected]
    omitted_by_reason: dict[str, int]
    not_considered: dict[str, int]
    stable_prefix_tokens: int
    prefix_hash: str
    value: float
    upper_bound: float
    gap: float
    notes: list[str]
    change_seq: int
    messages: list[dict[str, Any]] | None
    blocks: list[dict[str, Any]] | None
    explanation: dict[str, Any] | None


class Hit(TypedDict):
    """A memory that was found."""

    id: str
    content: str
    tier: str
    score: float


class Search(TypedDict):
    """Memories by how well they answer, the best first."""

    hits: list[Hit]
    used_tokens: int
    budget_tokens: int | None
    too_large: int
    change_seq: int


class Memory(TypedDict):
    """A memory as it is stored; times as ISO 8601 texts."""

    memory_id: str
    content: str
    tier: str
    importance: float
    created_at: str | None
    event_at: str | None
    last_accessed_at: str | None
    access_count: int
    expires_at: str | None
    source: str | None
    position: float | None
    group: str | None
    pinned: bool
    held: bool
    metadata: dict[str, Any]
    subject: str | None
    author: str | None
    client: str | None
    session_id: str | None
    tags: list[str]
    state: str
    superseded_by: str | None
    change_seq: int


class MemoryPage(TypedDict):
    """Some memories of a list."""

    memories: list[Memory]
    next_cursor: str | None


class Change(TypedDict):
    """The memories that changed."""

    memory_ids: list[str]
    change_seq: int


class Workspace(TypedDict):
    """A workspace."""

    workspace_id: str
    settings: dict[str, Any]
    settings_version: int
    retention: dict[str, Any]
    time_zone: str
    change_seq: int
    created_at: str


class WorkspacePage(TypedDict):
    """Ids of some workspaces."""

    workspaces: list[str]
    next_cursor: str | None


class DocumentInfo(TypedDict):
    """A document as it is stored; times as ISO 8601 texts."""

    document_id: str
    origin: str | None
    title: str | None
    uri: str | None
    metadata: dict[str, Any]
    created_at: str | None
    valid_until: str | None
    content_hash: str
    piece_count: int
    file_size: int | None
    file_modified_at: str | None
    version: int
    stored_at: str | None
    replaced_at: str | None


class DocumentList(TypedDict):
    """Some documents of a list."""

    documents: list[DocumentInfo]
    next_cursor: str | None


class PutDocument(TypedDict):
    """What became of a document, and of how many of its pieces."""

    document: DocumentInfo
    created: bool
    unchanged: bool
    added: int
    kept: int
    removed: int
    change_seq: int


class Cited(TypedDict):
    """Where a passage of the prompt stands."""

    memory_id: str
    text: str
    document_id: str | None
    title: str | None
    uri: str | None
    place: dict[str, Any]


class Retrieved(Recall):
    """The passages for a question, within the budget, and where they stand."""

    citations: list[Cited]
