"""Counters that guarantees are held against: some whose lines add up, some whose lines do not."""

from __future__ import annotations

from fakes import CharCounter, JoinCounter, PieceCounter

from mba_integrations import TokenCounter, counter_for_model

COUNTERS: dict[str, TokenCounter] = {
    "o200k": counter_for_model("gpt-4o"),
    "cl100k": counter_for_model("gpt-4"),
    "characters": CharCounter(),
    "pieces": PieceCounter(),
    "joins-cost": JoinCounter(3),
    "joins-save": JoinCounter(-2),
}
ADDITIVE = {"o200k", "cl100k", "characters"}
