"""What came into a prompt, and why the rest did not."""

from __future__ import annotations

from dataclasses import dataclass

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.layout.protocol import PromptTokens
from mba_integrations.core.model import OmissionReason
from mba_integrations.core.selection.assembly import Prompt

REASONS: tuple[OmissionReason, ...] = tuple(OmissionReason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What came into the prompt.

    Attributes:
        prompt: The written prompt with its rows.
        tokens: What it costs.
        tier_used_tokens: Tokens of each tier's section, shape (4,).
        value: Value of the selected items.
        upper_bound: No selection that respects the rules is worth more.
        proven_optimal: Whether packing proved that there is none better.
        reason: For each item the index into `REASONS` that holds if it is omitted, shape (n,).
        repaired: How many items were taken out because the counted prompt was over.
    """

    prompt: Prompt
    tokens: PromptTokens
    tier_used_tokens: IntArray
    value: float
    upper_bound: float
    proven_optimal: bool
    reason: IntArray
    repaired: int
