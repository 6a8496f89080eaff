"""Coefficients from own labels: the shipped without any, the labels' own with very many."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations import MemoryBudgetAllocator, MemoryItem, WorkspaceConfig
from mba_integrations.core.config.learned.coefficients import (
    USEFULNESS_FEATURES,
    UsefulnessSettings,
)
from mba_integrations.core.config.problems import InvalidSettingsError
from mba_integrations.core.errors import InputError
from mba_integrations.core.value.usefulness import (
    LogisticModel,
    UsefulnessModel,
    models_from_dict,
    models_of,
    shipped_models,
)
from mba_integrations.learning.logistic import Prior, Rows, fitted
from mba_integrations.learning.own.features import Label, LabelledFeatures, labelled_features
from mba_integrations.learning.own.usefulness import own_usefulness

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SHIPPED = {
    "dense": UsefulnessModel(
        first=LogisticModel(intercept=-4.0, weights={"before": 1.0}),
        final=LogisticModel(intercept=-3.0, weights={"before": 1.0, "freshness": 0.1}),
    )
}


def examples(count: int, *, weight: float = 1.0, true: float = 2.5) -> list[LabelledFeatures]:
    """Labels of a workspace whose "before" is worth *true*, and whose newest memories count."""
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(count, 2))
    p = 1.0 / (1.0 + np.exp(-(-1.0 + true * matrix[:, 0] + 1.5 * matrix[:, 1])))
    return [
        LabelledFeatures(
            kind="dense",
            names=("before", "freshness"),
            matrix=matrix,
            offset=np.zeros(count),
            useful=(draw.random(count) < p).astype(float),
            weights=np.full(count, weight),
            spread=matrix.std(axis=0),
        )
    ]


def weights(given: list[LabelledFeatures], strength: float) -> list[float]:
    own = own_usefulness(given, strength=strength, shipped=SHIPPED)
    return [own.models["dense"].final.weights.get(name, 0.0) for name in ("before", "freshness")]


def test_without_labels_the_shipped_coefficients_hold_to_the_bit() -> None:
    for nothing in ([], examples(5, weight=0.0)):
        own = own_usefulness(nothing)
        assert own.settings() == UsefulnessSettings()
        assert models_of(own.settings()) == shipped_models()


def test_a_label_that_weighs_nothing_leaves_the_shipped_coefficients_to_the_bit() -> None:
    [one] = examples(1, weight=1e-12)
    own = own_usefulness([one], strength=1e6, shipped=SHIPPED)
    assert own.models["dense"].final.weights == SHIPPED["dense"].final.weights


def test_very_many_labels_give_their_own_fit() -> None:
    [one] = examples(20_000)
    rows = Rows(matrix=one.matrix, labels=one.useful, weights=one.weights)
    alone = fitted(rows, Prior(mean=np.zeros(3), pull=np.full(3, 1e-9)))
    assert weights([one], 10.0) == pytest.approx(alone[1:], abs=0.01)


@pytest.mark.parametrize("count", [10, 100, 1_000])
def test_n_labels_against_k_go_n_of_n_and_k_of_the_way(count: int) -> None:
    """With labels that the shipped coefficients foresee best: there the rule is nearly exact."""
    draw = np.random.default_rng(1)
    matrix = draw.choice([-1.0, 1.0], size=(2_000, 1))
    p = 1.0 / (1.0 + np.exp(-0.4 * matrix[:, 0]))
    shipped = {
        "dense": UsefulnessModel(
            first=SHIPPED["dense"].first,
            final=LogisticModel(intercept=0.0, weights={"before": 0.1}),
        )
    }
    given = [
        LabelledFeatures(
            kind="dense",
            names=("before",),
            matrix=matrix,
            offset=np.zeros(2_000),
            useful=np.full(2_000, useful),
            weights=chance * count / 2_000,
            spread=matrix.std(axis=0),
        )
        for useful, chance in ((1.0, p), (0.0, 1.0 - p))
    ]
    own = own_usefulness(given, strength=200.0, shipped=shipped)
    expected = 0.1 + count / (count + 200.0) * 0.3
    assert own.models["dense"].final.weights["before"] == pytest.approx(expected, abs=0.01)
    assert own.labels["dense"] == pytest.approx(count)


def test_the_heavier_labels_are_the_further_they_draw() -> None:
    far = [weights(examples(200, weight=w), 500.0)[0] for w in (0.01, 0.1, 0.3, 0.6, 1.0)]
    assert far == sorted(far)
    assert far[0] == pytest.approx(1.0, abs=0.05)
    assert far[-1] > 1.3


def test_a_weight_keeps_its_sign_or_is_left_out() -> None:
    assert weights(examples(5_000, true=-2.0), 10.0)[0] == 0.0


def test_as_many_of_the_judged_are_expected_to_be_of_use_as_before() -> None:
    [one] = examples(500)
    after = own_usefulness([one], strength=50.0, shipped=SHIPPED).models["dense"].final
    columns = {name: one.matrix[:, place] for place, name in enumerate(one.names)}
    before = SHIPPED["dense"].final.probability(columns).sum()
    assert after.probability(columns).sum() == pytest.approx(before, rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-9, 9), st.booleans(), st.floats(0, 1)), min_size=1, max_size=20),
    st.floats(0, 1e6),
)
def test_coefficients_are_finite_and_settings_take_them(
    said: list[tuple[float, bool, float]], strength: float
) -> None:
    given = LabelledFeatures(
        kind="dense",
        names=("before", "freshness"),
        matrix=np.array([[value, 0.5] for value, _, _ in said]),
        offset=np.zeros(len(said)),
        useful=np.array([float(useful) for _, useful, _ in said]),
        weights=np.array([weight for _, _, weight in said]),
        spread=np.array([1.0, 0.3]),
    )
    own = own_usefulness([given], strength=strength, shipped=SHIPPED)
    for model in own.models.values():
        assert np.isfinite([model.final.intercept, *model.final.weights.values()]).all()
        assert model.final.weights.get("before", 0.0) >= 0.0


@pytest.mark.parametrize("strength", [-1.0, float("inf"), float("nan")])
def test_a_strength_that_is_no_number_of_labels_is_refused(strength: float) -> None:
    with pytest.raises(InputError, match="strength must be a number of labels >= 0"):
        own_usefulness(examples(5), strength=strength, shipped=SHIPPED)


def test_features_of_other_coefficients_are_refused() -> None:
    with pytest.raises(InputError, match="have 2 features, its coefficients weigh 27"):
        own_usefulness(examples(5))


TEXTS = {"oslo": "Kate lives in Oslo.", "tram": "Kate takes the tram.", "bread": "Bread is salty."}
MEMORIES = [MemoryItem(name, text, "rag") for name, text in TEXTS.items()]


def of_kate(*labels: Label) -> LabelledFeatures | None:
    return labelled_features("Where does Kate live?", MEMORIES, labels, now=NOW)


def test_only_what_is_judged_has_features_and_only_numbers() -> None:
    found = of_kate(
        Label(memory_id="oslo", useful=True, weight=1.0),
        Label(memory_id="oslo", useful=True, weight=0.5),
        Label(memory_id="bread", useful=False, weight=0.5),
        Label(memory_id="tram", useful=False, weight=0.0),
        Label(memory_id="gone", useful=True, weight=1.0),
    )
    assert found is not None
    assert found.kind == "lexical"
    assert found.matrix.shape == (3, len(found.names))
    assert found.names == tuple(shipped_models()["lexical"].final.weights)
    assert found.useful.tolist() == [1.0, 1.0, 0.0]
    assert found.weights.tolist() == [1.0, 0.5, 0.5]
    assert np.array_equal(found.matrix[0], found.matrix[1])


def test_the_features_are_those_that_an_estimate_rests_on() -> None:
    """Shipped coefficients over the features give what the allocator shows as its usefulness."""
    found = of_kate(*(Label(memory_id=name, useful=True, weight=1.0) for name in TEXTS))
    assert found is not None
    final = shipped_models()["lexical"].final
    columns = {name: found.matrix[:, place] for place, name in enumerate(found.names)}
    by_features = final.probability(columns, offset=found.offset)
    chosen = MemoryBudgetAllocator(clock=lambda: NOW).allocate_memory_budget(
        "Where does Kate live?", MEMORIES
    )
    shown = {one.item.id: one.score for one in chosen.selected}
    order = sorted(TEXTS, key=lambda name: -shown[name])
    assert order == [name for _, name in sorted(zip(-by_features, TEXTS, strict=True))]


def test_without_a_judged_memory_there_is_nothing_to_learn() -> None:
    assert of_kate() is None
    assert of_kate(Label(memory_id="gone", useful=True, weight=1.0)) is None


def test_a_label_weighs_from_0_to_1() -> None:
    with pytest.raises(InputError, match=r"weight of a label must be in \[0, 1\], got 1.5"):
        Label(memory_id="a", useful=True, weight=1.5)


def test_settings_may_name_every_feature_that_the_shipped_coefficients_weigh() -> None:
    weighed = [name for one in shipped_models().values() for name in one.final.weights]
    assert set(USEFULNESS_FEATURES) == set(weighed)
    assert len(USEFULNESS_FEATURES) == len(set(USEFULNESS_FEATURES))


def test_written_coefficients_are_read_back() -> None:
    found = of_kate(Label(memory_id="oslo", useful=True, weight=1.0))
    assert found is not None
    own = own_usefulness([found], strength=1.0)
    assert models_from_dict(own.to_dict()["models"]) == own.models
    assert models_of(own.settings())["lexical"] == own.models["lexical"]
    assert models_of(own.settings())["dense"] == shipped_models()["dense"]
    config = WorkspaceConfig(workspace_id="a", usefulness=own.settings())
    assert WorkspaceConfig(**config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("learned", "said"),
    [
        pytest.param(
            {"dense": {"intercept": 0, "weights": {"magic": 1}}}, "no feature 'magic'", id="unknown"
        ),
        pytest.param({"dense": {"intercept": 101, "weights": {}}}, "100", id="too-large"),
        pytest.param({"dense": {"intercept": float("nan"), "weights": {}}}, "finite", id="nan"),
        pytest.param({"sparse": {"intercept": 0, "weights": {}}}, "lexical", id="kind"),
    ],
)
def test_settings_refuse_what_cannot_be_weighed(learned: Any, said: str) -> None:
    with pytest.raises(InvalidSettingsError, match=said):
        UsefulnessSettings(learned=learned)
