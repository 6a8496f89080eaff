"""What clients are told of the server, as plain data: one source for server, proxy and tests.

Every tool that a client knows is in each of its prompts, so words cost tokens there: all six
have at most 700 in o200k together. They are the same bytes in every process, in this order, so that
a provider's prompt cache keeps them. No parameter names a workspace: the URL or the key does.
"""

from __future__ import annotations

from typing import Any

NAME = "mba"
MCP_PATH = "/mcp"
TITLE = "Memory Budget Allocator"
INSTRUCTIONS = (
    "Memory that outlives this conversation. Call recall before work that earlier decisions, "
    "people or preferences may bear on; remember what will matter later; revise what changed."
)

LISTS_TTL_MS = 3_600_000
"""How long a client may keep the lists: they change with a release only."""
LEAST_BUDGET_TOKENS = 160
"""A reply has a receipt besides its text, so a smaller budget would leave nothing for memories."""
DEFAULT_BUDGET_TOKENS = 1_500
MOST_BUDGET_TOKENS = 24_500
"""Claude Code cuts a result at 25,000 tokens, which it counts by a tokenizer of its own."""
MOST_ITEMS = 100
LAST = "last"
NOTHING = "Nothing that is remembered helps with this."
"""The text of a recall that found nothing: a text must not be empty."""

_TIER = {"type": "string", "enum": ["working", "project", "long_term", "rag"]}
_TEXT = {"type": "string"}
_READ_ONLY = {"readOnlyHint": True, "openWorldHint": False}


def _tool(
    name: str,
    description: str,
    properties: dict[str, Any],
    required: tuple[str, ...] = (),
    *,
    hints: dict[str, bool],
) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    return {
        "name": name,
        "description": description,
        "inputSchema": {**schema, "additionalProperties": False},
        "annotations": hints,
    }


TOOLS: tuple[dict[str, Any], ...] = (
    _tool(
        "recall",
        "Memories that help with a question, as text of at most budget_tokens.",
        {
            "query": {"type": "string", "description": "What you need to know"},
            "budget_tokens": {
                "type": "integer",
                "minimum": LEAST_BUDGET_TOKENS,
                "maximum": MOST_BUDGET_TOKENS,
                "default": DEFAULT_BUDGET_TOKENS,
            },
            "tiers": {"type": "array", "items": _TIER, "description": "Only these"},
            "session": {"type": "string", "description": "Same id each turn keeps the text stable"},
        },
        ("query",),
        hints=_READ_ONLY,
    ),
    _tool(
        "remember",
        "Keep facts for later conversations, one per item, each understandable alone.",
        {
            "items": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_ITEMS,
                "items": {
                    "type": "object",
                    "properties": {
                        "text": _TEXT,
                        "tier": {**_TIER, "default": "long_term"},
                        "importance": {"type": "number", "minimum": 0, "maximum": 1},
                        "about": {"type": "string", "description": "Person"},
                    },
                    "required": ["text"],
                    "additionalProperties": False,
                },
            },
            "key": {"type": "string", "description": "Same key on a retry: kept once"},
        },
        ("items",),
        hints={"destructiveHint": False, "idempotentHint": True, "openWorldHint": False},
    ),
    _tool(
        "revise",
        "Replace a memory's text where it is outdated or wrong.",
        {"id": _TEXT, "text": _TEXT},
        ("id", "text"),
        hints={"destructiveHint": False, "idempotentHint": True, "openWorldHint": False},
    ),
    _tool(
        "forget",
        "Forget memories by ids. With query: lists those holding these words; forgets them only "
        "with confirm.",
        {
            "ids": {"type": "array", "items": _TEXT},
            "query": _TEXT,
            "confirm": {"type": "boolean", "default": False},
        },
        hints={"destructiveHint": True, "idempotentHint": True, "openWorldHint": False},
    ),
    _tool(
        "explain",
        "Why memories came into a recall or stayed out, with their ids, and what 200 more tokens "
        "would add.",
        {
            "allocation_id": {"type": "string", "default": LAST},
            "item_id": {"type": "string", "description": "Only this memory"},
        },
        hints=_READ_ONLY,
    ),
    _tool(
        "status",
        "Memories per tier, budget, jobs that wait.",
        {},
        hints=_READ_ONLY,
    ),
)

FOR_PROGRAMS: tuple[dict[str, Any], ...] = (
    _tool(
        "feedback",
        "What the answer to a recall used of its memories.",
        {
            "allocation_id": {"type": "string", "default": LAST},
            "session": {"type": "string", "description": "Of it the last recall"},
            "query": {"type": "string", "description": "Of a recall that is not of late"},
            "answer": _TEXT,
            "cited": {"type": "array", "items": _TEXT},
            "thumb": {"type": "string", "enum": ["up", "down"]},
        },
        hints={"destructiveHint": False, "idempotentHint": True, "openWorldHint": False},
    ),
)
"""Tools that can be called and are not listed: a model would pay for them in every prompt, and it
is the program around it that has the answer."""

PROMPTS: tuple[dict[str, Any], ...] = (
    {
        "name": "answer_with_memory",
        "description": "Answer a question from what is remembered.",
        "arguments": [
            {"name": "question", "required": True},
            {"name": "budget_tokens", "description": "Of the memories; 1500 by default"},
        ],
    },
    {
        "name": "review_memories",
        "description": "Look through the newest memories for what is outdated, double or wrong.",
    },
)

_URI = "mba://{workspace}/"
RESOURCE_TEMPLATES: tuple[dict[str, Any], ...] = (
    {
        "name": "memory",
        "uriTemplate": _URI + "memories/{id}",
        "description": "One memory with all that is known of it.",
        "mimeType": "application/json",
    },
    {
        "name": "allocation",
        "uriTemplate": _URI + "allocations/{id}",
        "description": "What one recall decided.",
        "mimeType": "text/plain",
    },
)


def resources(workspace_id: str) -> tuple[dict[str, Any], ...]:
    """The resources of a workspace that are always there."""
    return (
        {
            "name": "prompt",
            "uri": f"mba://{workspace_id}/prompt",
            "description": "The project's memories, as a block that stays the same while they do.",
            "mimeType": "text/plain",
        },
        {
            "name": "policy",
            "uri": f"mba://{workspace_id}/policy",
            "description": "The workspace's settings and how long it keeps memories.",
            "mimeType": "application/json",
        },
    )
