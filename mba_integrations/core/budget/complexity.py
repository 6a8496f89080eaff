"""How much a query asks for, with the evidence for it.

Each signal found gives points; their sum is compared with the workspace's thresholds. Equal input
gives an equal estimate. O(length of the query): about a millisecond for a question, and 0.1 s for
a megabyte.

What a complexity is worth in tokens is left to `plan`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mba_integrations.core.arguments import checked_text, checked_whole
from mba_integrations.core.budget.complexity_signals import Finding, read_signals
from mba_integrations.core.config.complexity_words import MOST_UNITS, ComplexitySignal
from mba_integrations.core.config.learned.coefficients import ComplexityCoefficients
from mba_integrations.core.config.settings import ComplexitySettings
from mba_integrations.core.model import QueryComplexity

LOGIT_OF_POINT = 0.65
"""What a point adds to the logit that a query takes several steps; at `complex_points` it is 0.

From a logistic regression on the shipped points of the even half of the questions of
`benchmarks/complexity.py`.
"""
_MOST_LOGIT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplexityEvidence:
    """One reason for an estimate.

    Attributes:
        signal: Which signal.
        found: What was found of it; may quote a few words of the query.
        points: What it adds, > 0.
    """

    signal: ComplexitySignal
    found: str
    points: float

    def __str__(self) -> str:
        return f"{self.signal.value} +{self.points:g} ({self.found})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplexityEstimate:
    """How complex a query is, and why.

    Attributes:
        complexity: The level.
        points: Sum of the evidence, >= 0; with learned coefficients also what they begin with.
        evidence: What led to it, most points first.
        probability: That it takes several steps, in (0, 1); None without learned coefficients.
    """

    complexity: QueryComplexity
    points: float
    evidence: tuple[ComplexityEvidence, ...] = ()
    probability: float | None = None

    def __str__(self) -> str:
        reasons = "; ".join(str(one) for one in self.evidence) or "nothing found"
        return f"{self.complexity.value}, {self.points:g} points: {reasons}"


def estimate_complexity(
    query: str,
    *,
    settings: ComplexitySettings,
    conversation_turns: int = 0,
    candidate_count: int = 0,
) -> ComplexityEstimate:
    """How much *query* asks for.

    Args:
        query: Any text; an empty one is simple.
        settings: Thresholds, words and points of the workspace.
        conversation_turns: Turns of the conversation so far, >= 0.
        candidate_count: Memory items there are to choose from, >= 0.

    Raises:
        InputError: If the query is not a text or a count is not an integer >= 0.

    >>> print(estimate_complexity("What is Python?", settings=ComplexitySettings()))
    simple, 0.89 points: technical +0.5 (python); length +0.39 (3 words)
    """
    _check(query, conversation_turns=conversation_turns, candidate_count=candidate_count)
    context = _context(conversation_turns, candidate_count, settings)
    findings = (*read_signals(query, settings), *context)
    evidence = [_weigh(finding, settings) for finding in findings]
    ordered = sorted((one for one in evidence if one.points > 0), key=lambda one: -one.points)
    points, probability = round(sum(one.points for one in ordered), 2), None
    if settings.learned is not None:
        logit = _logit(findings, settings.learned)
        points = round(max(settings.complex_points + logit / LOGIT_OF_POINT, 0.0), 2)
        probability = 1.0 / (1.0 + math.exp(-min(max(logit, -_MOST_LOGIT), _MOST_LOGIT)))
    return ComplexityEstimate(
        complexity=level_of(points, settings),
        points=points,
        evidence=tuple(ordered),
        probability=probability,
    )


def _logit(findings: Iterable[Finding], learned: ComplexityCoefficients) -> float:
    return learned.intercept + sum(
        learned.weights.get(one.signal, 0.0) * limited_units(one) for one in findings
    )


def limited_units(finding: Finding) -> float:
    """How much of a signal counts: what was found, up to the signal's limit."""
    return min(finding.units, MOST_UNITS[finding.signal])


def level_of(points: float, settings: ComplexitySettings) -> QueryComplexity:
    """The level that *points* reach; a threshold itself belongs to the level above it.

    >>> level_of(4.0, ComplexitySettings())
    <QueryComplexity.COMPLEX: 'complex'>
    """
    if points >= settings.expert_points:
        return QueryComplexity.EXPERT
    if points >= settings.complex_points:
        return QueryComplexity.COMPLEX
    if points >= settings.medium_points:
        return QueryComplexity.MEDIUM
    return QueryComplexity.SIMPLE


def _check(query: str, **counts: int) -> None:
    checked_text("query", query)
    for name, count in counts.items():
        checked_whole(name, count)


def _context(turns: int, candidates: int, settings: ComplexitySettings) -> tuple[Finding, ...]:
    found = []
    if turns >= settings.long_conversation_turns:
        signal = ComplexitySignal.CONVERSATION
        found.append(Finding(signal=signal, units=1, found=f"{turns:,} turns so far"))
    if candidates >= settings.many_candidates:
        signal = ComplexitySignal.CANDIDATES
        found.append(Finding(signal=signal, units=1, found=f"{candidates:,} items to choose from"))
    return tuple(found)


def _weigh(finding: Finding, settings: ComplexitySettings) -> ComplexityEvidence:
    points = settings.points_of(finding.signal)
    if settings.learned is not None:
        points = settings.learned.weights.get(finding.signal, 0.0) / LOGIT_OF_POINT
    points = round(limited_units(finding) * points, 2)
    return ComplexityEvidence(signal=finding.signal, found=finding.found, points=points)
