"""The groups of settings that a workspace is made of, with their ranges and defaults.

Every group is frozen and refuses unknown keys. Values are checked when a group is made; a number
given as text is refused, so a quoted number in YAML is an error rather than a surprise. Only a
half-life may be text: "infinite" for items that never age.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from mba_integrations.core.arguments import checked_path
from mba_integrations.core.config import complexity_words
from mba_integrations.core.config.complexity_words import ComplexitySignal
from mba_integrations.core.config.group import SettingsGroup
from mba_integrations.core.config.learned.coefficients import ComplexityCoefficients
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier, QueryComplexity

INFINITE = "infinite"


def _as_half_life(value: object) -> object:
    text = value.strip().lower().removeprefix(".") if isinstance(value, str) else None
    return math.inf if text in {INFINITE, "infinity", "inf"} else value


Fraction = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Multiplier = Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)]
Overlap = Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)]
HalfLifeDays = Annotated[float, Field(gt=0.0, allow_inf_nan=True), BeforeValidator(_as_half_life)]
MOST_TOKENS = 1_000_000_000
"""Largest number of tokens that a setting may name; products of it stay exact in a float."""
MOST_KEPT = 1_000_000_000
"""Largest number of things that a setting may keep in memory."""
MOST_IDLE_SECONDS = 1e9
"""About 30 years."""
Tokens = Annotated[int, Field(ge=0, le=MOST_TOKENS)]
PositiveTokens = Annotated[int, Field(ge=1, le=MOST_TOKENS)]
Kept = Annotated[int, Field(ge=0, le=MOST_KEPT)]
Days = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Price = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
SignalPoints = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class ScoringMethod(StrEnum):
    """How the three signals become the value of an item."""

    WEIGHTED_SUM = "weighted_sum"
    """Mem0 score as a sum: each signal times its weight."""
    PRODUCT = "product"
    """Mem0 score as a product of the three signals."""
    USEFULNESS = "usefulness"
    """Estimated probability that the answer needs the item."""


class PromptFormat(StrEnum):
    """How the prompt is written."""

    MARKDOWN = "markdown"
    """A heading and a list for each tier."""
    XML = "xml"
    """An element for each tier with an element for each item."""
    MESSAGES = "messages"
    """Chat messages: conversation items keep their role, other tiers are system messages."""


class ItemOrder(StrEnum):
    """The order of the items within a section."""

    VALUE = "value"
    """Most valuable first."""
    CHRONOLOGICAL = "chronological"
    """Oldest first; items of one source stay in the order of their positions."""
    INPUT = "input"
    """As handed in."""
    ENDS = "ends"
    """Most valuable at the beginning and the end, least in the middle."""


PLACEHOLDERS = ("text", "speaker", "date", "source", "citation", "id")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _check_template(template: str) -> str:
    names = _PLACEHOLDER.findall(template)
    unknown = sorted(set(names) - set(PLACEHOLDERS))
    if unknown:
        known = ", ".join("{" + name + "}" for name in PLACEHOLDERS)
        raise ValueError(f"has no placeholder {{{unknown[0]}}}; known are {known}")
    if names.count("text") != 1:
        raise ValueError("must hold {text} exactly once")
    if len(template.splitlines()) != 1 or template != template.strip():
        raise ValueError("must be one line that neither begins nor ends with white space")
    return template


def _check_title(title: str) -> str:
    if not title.strip() or len(title.splitlines()) != 1:
        raise ValueError("must be one line that is not empty")
    return title.strip()


def _check_order(order: tuple[MemoryTier, ...]) -> tuple[MemoryTier, ...]:
    missing = [tier.value for tier in MemoryTier if tier not in order]
    if missing or len(order) != len(MemoryTier):
        raise ValueError(f"must name each tier once; missing: {', '.join(missing) or 'none'}")
    return order


def _check_words(words: tuple[str, ...]) -> tuple[str, ...]:
    if any(not word.strip("* ") for word in words):
        raise ValueError("must hold words that are not empty")
    return tuple(word.strip().lower() for word in words)


def _check_path(path: str) -> str:
    try:
        checked_path("path", path.strip())
    except InputError:
        raise ValueError("must name a file") from None
    return path


LogPath = Annotated[str, AfterValidator(_check_path)]
Words = Annotated[tuple[str, ...], AfterValidator(_check_words)]
LineTemplate = Annotated[str, AfterValidator(_check_template)]
SectionTitle = Annotated[str, AfterValidator(_check_title)]
SectionOrder = Annotated[tuple[MemoryTier, ...], AfterValidator(_check_order)]


class RenderingSettings(SettingsGroup):
    """How selected items are written.

    `line_templates` may use {text}, {speaker}, {date}, {source}, {id} and {citation}: what
    metadata calls `citation`, such as a document with its page, else the source. A part in square
    brackets, such as `[{date}] `, is left out for an item that lacks what it names.
    `section_order` is from the part of the prompt that changes least to the one that changes most,
    which keeps prompt caches useful.
    """

    format: PromptFormat = PromptFormat.MARKDOWN
    section_order: SectionOrder = (
        MemoryTier.PROJECT,
        MemoryTier.LONG_TERM,
        MemoryTier.RAG,
        MemoryTier.WORKING,
    )
    section_titles: dict[MemoryTier, SectionTitle] = Field(
        default={
            MemoryTier.WORKING: "Conversation",
            MemoryTier.PROJECT: "Project",
            MemoryTier.LONG_TERM: "Long-term memory",
            MemoryTier.RAG: "Documents",
        }
    )
    line_templates: dict[MemoryTier, LineTemplate] = Field(default={})
    item_order: dict[MemoryTier, ItemOrder] = Field(
        default={MemoryTier.WORKING: ItemOrder.CHRONOLOGICAL}
    )

    def title_of(self, tier: MemoryTier) -> str:
        """Heading of the tier's section."""
        return self.section_titles.get(tier) or tier.value.replace("_", " ").capitalize()

    def template_of(self, tier: MemoryTier) -> str:
        """Line template of the tier; the text alone unless set."""
        return self.line_templates.get(tier, "{text}")

    def order_of(self, tier: MemoryTier) -> ItemOrder:
        """Order of the items in the tier's section; by value unless set."""
        return self.item_order.get(tier, ItemOrder.VALUE)


class PromotionSettings(SettingsGroup):
    """When an item should move to a nearer or a farther tier.

    An item's standing is `score_weight * score + access_weight * frequency + recency_weight *
    recency`. Frequency is `1 - 0.5 ** (access_count / access_half_count)`, recency is
    `0.5 ** (days since last use / recency_half_life_days)`. An item is promoted at or above
    `promote_threshold` if it was used at least `min_access_count` times, and demoted below
    `demote_threshold`. The thresholds lie apart and a moved item stays at least `min_stay_days`,
    so that items do not flap.
    """

    promote_threshold: Fraction = 0.7
    demote_threshold: Fraction = 0.3
    min_stay_days: Days = 1.0
    min_access_count: Annotated[int, Field(ge=0)] = 2
    score_weight: Fraction = 0.5
    access_weight: Fraction = 0.3
    recency_weight: Fraction = 0.2
    access_half_count: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 3.0
    recency_half_life_days: HalfLifeDays = 7.0

    @model_validator(mode="after")
    def _check(self) -> PromotionSettings:
        if self.demote_threshold >= self.promote_threshold:
            raise ValueError(
                f"demote_threshold ({self.demote_threshold:g}) must be below promote_threshold "
                f"({self.promote_threshold:g})"
            )
        total = self.score_weight + self.access_weight + self.recency_weight
        if abs(total - 1.0) > 1e-6:
            raise ValueError(
                f"score_weight, access_weight and recency_weight sum to {total:g}, must sum to 1"
            )
        return self


class ComplexitySettings(SettingsGroup):
    """How a query's complexity is read. Points are added up and compared with the thresholds.

    `signal_points` replaces the points of single signals; those not named keep their default.
    Words are compared whatever their case; one that ends in `*` stands for any ending. With
    `learned` coefficients the points come from their logit, and `signal_points` are not read.
    """

    medium_points: Positive = 2.0
    complex_points: Positive = 4.0
    expert_points: Positive = 10.0
    signal_points: dict[ComplexitySignal, SignalPoints] = Field(default={})
    learned: ComplexityCoefficients | None = None
    open_question_words: Words = complexity_words.OPEN_QUESTION_WORDS
    judgement_openers: Words = complexity_words.JUDGEMENT_OPENERS
    comparison_words: Words = complexity_words.COMPARISON_WORDS
    shared_words: Words = complexity_words.SHARED_WORDS
    relation_words: Words = complexity_words.RELATION_WORDS
    instruction_words: Words = complexity_words.INSTRUCTION_WORDS
    technical_words: Words = complexity_words.TECHNICAL_WORDS
    long_conversation_turns: Annotated[int, Field(ge=1)] = 20
    many_candidates: Annotated[int, Field(ge=1)] = 1000

    def points_of(self, signal: ComplexitySignal) -> float:
        """Points for one unit of the signal."""
        return self.signal_points.get(signal, complexity_words.DEFAULT_SIGNAL_POINTS[signal])

    @model_validator(mode="after")
    def _check(self) -> ComplexitySettings:
        if not self.medium_points < self.complex_points < self.expert_points:
            raise ValueError("medium_points, complex_points and expert_points must increase")
        return self


class CountingSettings(SettingsGroup):
    """Which tokenizer counts, and how many counts are kept."""

    model: str = "gpt-4o"
    cache_entries: Kept = 200_000


class LoggingSettings(SettingsGroup):
    """What is recorded of each allocation.

    `path` names a JSON-lines file to append to; None keeps records in memory only. The text of
    queries and memories is recorded only if `include_text` is set.
    """

    enabled: bool = True
    max_records: Annotated[int, Field(ge=1, le=MOST_KEPT)] = 1000
    path: LogPath | None = None
    include_text: bool = False


class CachingSettings(SettingsGroup):
    """What a prompt token costs where the provider keeps the beginning of earlier prompts.

    In any unit; the defaults are in the price of an uncached token. Anthropic and OpenAI (from
    GPT-5.6 on) read at 0.1 and write at 1.25; OpenAI's earlier models write at 1.
    """

    cached_read_price: Price = 0.1
    cache_write_price: Price = 1.25
    uncached_price: Price = 1.0


class PerformanceSettings(SettingsGroup):
    """What is kept between calls.

    `prepared_pools` is how many lists of items are kept prepared; 0 keeps none. `max_sessions` is
    how many sessions of a workspace are remembered, `session_idle_seconds` for how long after their
    last use.
    """

    prepared_pools: Kept = 8
    max_sessions: Kept = 1000
    session_idle_seconds: Annotated[float, Field(gt=0.0, le=MOST_IDLE_SECONDS)] = 3600.0


DEFAULT_MULTIPLIERS: dict[QueryComplexity, float] = {
    QueryComplexity.SIMPLE: 0.5,
    QueryComplexity.MEDIUM: 0.75,
    QueryComplexity.COMPLEX: 1.0,
    QueryComplexity.EXPERT: 1.0,
}
