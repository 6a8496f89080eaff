"""Coefficients of usefulness from what was said of a workspace's recalls.

Logistic regression on the judged memories alone, each label by its weight, drawn to the shipped
coefficients. Of the two regressions only the second is learned: the first finds the items that
others are compared with, and the features of labels rest on it. Without labels the shipped
coefficients come out to the bit.

What labels say is the order of memories and not how many are needed: silence weighs half as much
as words, and only what was in a prompt is judged. So the intercept is set such that the judged
memories are expected to be of use as often as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.learned.coefficients import UsefulnessSettings
from mba_integrations.core.errors import InputError
from mba_integrations.core.value.usefulness import LogisticModel, UsefulnessModel, shipped_models
from mba_integrations.learning.logistic import Rows, fitted_with_signs, sigmoid
from mba_integrations.learning.own.features import LabelledFeatures
from mba_integrations.learning.own.shrinking import drawn_to
from mba_integrations.learning.usefulness_fit import as_model, sign_of

STRENGTH = 30_000.0
"""Labels that the shipped coefficients are worth; see docs/learning.md for how it was chosen."""
_HALVINGS = 60
_WIDEST = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnUsefulness:
    """What came out.

    Attributes:
        models: Coefficients by kind; only of kinds that have labels.
        labels: Sum of the labels' weights, by kind.
        useful: That of those which say that a memory was of use.
    """

    models: Mapping[str, UsefulnessModel]
    labels: Mapping[str, float]
    useful: Mapping[str, float]

    def settings(self) -> UsefulnessSettings:
        """The setting `usefulness` of the workspace."""
        learned: Any = {kind: _as_dict(one.final) for kind, one in self.models.items()}
        return UsefulnessSettings(learned=learned)

    def to_dict(self) -> dict[str, Any]:
        """As `usefulness.json` has it, under `models`."""
        return {
            "format": 1,
            "labels": dict(self.labels),
            "useful": dict(self.useful),
            "models": {
                kind: {"first": _as_dict(one.first), "final": _as_dict(one.final)}
                for kind, one in self.models.items()
            },
        }


def own_usefulness(
    examples: Iterable[LabelledFeatures],
    *,
    strength: float = STRENGTH,
    shipped: Mapping[str, UsefulnessModel] | None = None,
) -> OwnUsefulness:
    """The coefficients of a workspace.

    Args:
        examples: What was said of its recalls.
        strength: Labels that the shipped coefficients are worth, >= 0. By n labels the shipped ones
            are left about n / (n + strength) of the way.
        shipped: What is drawn to; those of the package by default.

    Raises:
        InputError: If *strength* is not a number >= 0, or examples of a kind have other features
            than its coefficients.
    """
    base = shipped_models() if shipped is None else shipped
    by_kind: dict[str, list[LabelledFeatures]] = {}
    for one in examples:
        if one.weights.sum() > 0.0:
            by_kind.setdefault(one.kind, []).append(one)
    return OwnUsefulness(
        models={
            kind: UsefulnessModel(
                first=base[kind].first, final=_fitted(parts, base[kind].final, strength)
            )
            for kind, parts in by_kind.items()
        },
        labels={kind: _sum(parts, useful=False) for kind, parts in by_kind.items()},
        useful={kind: _sum(parts, useful=True) for kind, parts in by_kind.items()},
    )


def _fitted(
    parts: Sequence[LabelledFeatures], shipped: LogisticModel, strength: float
) -> LogisticModel:
    names = tuple(shipped.weights)
    other = next((one for one in parts if one.names != names), None)
    if other is not None:
        raise InputError(
            f"examples of kind {other.kind!r} have {len(other.names)} features, its coefficients "
            f"weigh {len(names)}. Make the examples with the coefficients that are drawn to."
        )
    rows = Rows(
        matrix=np.vstack([one.matrix for one in parts]),
        labels=np.concatenate([one.useful for one in parts]),
        weights=np.concatenate([one.weights for one in parts]),
        offset=np.concatenate([one.offset for one in parts]),
    )
    before = np.array([shipped.intercept, *shipped.weights.values()])
    signs = [sign_of(name) for name in names]
    spread = np.mean([one.spread for one in parts], axis=0)
    after = fitted_with_signs(rows, drawn_to(before, rows, strength, spread), signs)
    after[0] = _intercept(rows, before, after)
    return as_model(after, names)


def _intercept(rows: Rows, before: FloatArray, after: FloatArray) -> float:
    """That by which as many of the rows are expected to be of use as before; by halving."""
    expected = rows.weights @ sigmoid(before[0] + rows.matrix @ before[1:] + rows.offset)
    logits = rows.matrix @ after[1:] + rows.offset
    low, high = -_WIDEST, _WIDEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if rows.weights @ sigmoid(middle + logits) < expected:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _sum(parts: Iterable[LabelledFeatures], *, useful: bool) -> float:
    return float(sum((one.weights * (one.useful if useful else 1.0)).sum() for one in parts))


def _as_dict(model: LogisticModel) -> dict[str, Any]:
    return {"intercept": model.intercept, "weights": dict(model.weights)}
