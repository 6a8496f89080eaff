"""`evaluate`: what settings bring of what questions need, and why the rest stays out.

Each question of a session follows the prompt that the same settings made for the one before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mba_integrations.core.errors import InputError
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import Omitted
from mba_integrations.learning.gate.bootstrap import Interval
from mba_integrations.learning.gate.comparison import Side, compare, evidence_of, side_of
from mba_integrations.learning.gate.outcomes import Outcome
from mba_integrations.learning.questions.labels import needed_by
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.replay.settings import Settings, Tried, config_of_then
from mba_integrations.learning.tuning.bench import Bench

NO_PROMPT = "no_prompt"
NOT_CONSIDERED = "not_considered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted:
    """One question's prompt, beside what the question needs.

    Attributes:
        question_id: Id of its record.
        query: What was asked.
        needed: How many memories it needs.
        missing: Those that the prompt has not, by id, with the reason: one of `OmissionReason`,
            `no_prompt` where the pins do not fit, `not_considered` where it was no candidate.
        used_tokens: Of the prompt; 0 where there is none.
        problem: Why there is no prompt; None where there is one.
    """

    question_id: str
    query: str
    needed: int
    missing: Mapping[str, str]
    used_tokens: int
    problem: str | None = None

    @property
    def kept(self) -> int:
        """How many of what it needs are in the prompt."""
        return self.needed - len(self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What settings come to on questions.

    Attributes:
        evidence: Share of what is needed that is in the prompts, in [0, 1], with its 95 % interval
            over sessions.
        whole: How many prompts have all that their question needs.
        figures: Tokens, cost and what else is told of prompts.
        prompts: Each of them, in the order of the questions.
    """

    evidence: Interval
    whole: int
    figures: Side
    prompts: tuple[Prompted, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The settings of now on questions, and others beside them.

    Attributes:
        now: Those of now.
        tried: The others; None for none.
        evidence_points: How much more of what is needed the others bring, in points of 100.
        gain: The same in needed memories for each 1,000 tokens.
    """

    now: Evaluation
    tried: Evaluation | None = None
    evidence_points: Interval | None = None
    gain: Interval | None = None


def evaluate(
    records: Iterable[ReplayRecord], tried: Settings = None, *, token_counter: object = None
) -> Evaluated:
    """Decide questions under the settings of their records, and under others.

    Args:
        records: Of questions of one workspace, with their labels, in their order.
        tried: Other settings: whole, or what differs by name; None for none.
        token_counter: As for `MemoryBudgetAllocator`.

    Raises:
        InputError: If there is no record, one has no label or no texts, or their settings differ.
        InvalidWorkspaceError: If a setting is out of its range.
    """
    asked = list(records)
    _check(asked)
    bench = Bench(token_counter)
    config = config_of_then(asked[0].settings)
    now, before = _evaluation(bench.decided(asked, config), asked)
    if not tried:
        return Evaluated(now=now)
    other, after = _evaluation(bench.decided(asked, Tried(tried).instead_of(config)), asked)
    found = compare(before, after)
    return Evaluated(now=now, tried=other, evidence_points=found.evidence_points, gain=found.gain)


def _check(records: Sequence[ReplayRecord]) -> None:
    if not records:
        raise InputError("there is no question to decide. Give one record at least.")
    for one in records:
        if one.query is None or not needed_by(one):
            raise InputError(
                f"record {one.allocation_id!r} has no texts or no label. Make records of questions "
                "with service.questions.records."
            )
        if one.settings != records[0].settings:
            raise InputError(
                f"records {records[0].allocation_id!r} and {one.allocation_id!r} have other "
                "settings. Make all of them at once."
            )


def _evaluation(
    decided: Iterator[tuple[Outcome, Allocation | None]], records: Sequence[ReplayRecord]
) -> tuple[Evaluation, list[Outcome]]:
    prompts, outcomes = [], []
    for record, (outcome, allocation) in zip(records, decided, strict=True):
        needed = needed_by(record)
        prompts.append(
            Prompted(
                question_id=record.allocation_id,
                query=record.query or "",
                needed=len(needed),
                missing=dict(_missing(needed, allocation)),
                used_tokens=outcome.used_tokens,
                problem=outcome.problem,
            )
        )
        # Also what was no candidate is needed.
        outcomes.append(replace(outcome, needed=float(len(needed)), positives=len(needed)))
    found = Evaluation(
        evidence=evidence_of(outcomes),
        whole=sum(not one.missing for one in prompts),
        figures=side_of(outcomes),
        prompts=tuple(prompts),
    )
    return found, outcomes


def _missing(needed: Sequence[str], allocation: Allocation | None) -> Iterator[tuple[str, str]]:
    for memory_id in needed:
        if allocation is None:
            yield memory_id, NO_PROMPT
            continue
        try:
            decision = allocation.decision(memory_id)
        except InputError:
            yield memory_id, NOT_CONSIDERED
            continue
        if isinstance(decision, Omitted):
            yield memory_id, decision.reason.value
