"""`Reply`: one text for the model, and a small receipt for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RECEIPT_KEY = "mba/receipt"
"""Where a result's `_meta` has the receipt.

It is not `structuredContent`: Claude Code, Codex, VS Code and opencode give the model that alone
where a result has it, and drop the text (anthropics/claude-code#79944, anomalyco/opencode#32074).
"""
MOST_RECEIPT_TOKENS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a tool gives back.

    Attributes:
        text: For the model, never empty.
        receipt: For programs: numbers and ids, at most 150 tokens as JSON.
    """

    text: str
    receipt: Mapping[str, Any] = field(default_factory=dict)


def written(receipt: Mapping[str, Any]) -> str:
    """A receipt as it is sent."""
    return json.dumps(receipt, ensure_ascii=False, separators=(",", ":"))
