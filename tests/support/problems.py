"""Selection problems of one letter for each heading, with exact numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from fakes import CharCounter

from mba_integrations import MemoryItem, MemoryTier, WorkspaceConfig
from mba_integrations.core.budget.plan import plan_budget
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import QueryComplexity
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.problem import SelectionProblem, selection_problem
from mba_integrations.core.value.worth import Worth

HEADING = len("## R\n")
"""Tokens of a heading, by characters."""


def problem_of(
    items: Sequence[MemoryItem],
    budget: int,
    scores: Sequence[float] | None = None,
    *,
    counter: Any = None,
    duplicate_threshold: float | None = None,
    min_score: float = 0.0,
    **settings: Any,
) -> SelectionProblem:
    """A problem in which items are worth their scores, and in no order of their own."""
    titles = {tier: tier.value[0].upper() for tier in MemoryTier}
    rendering = {"section_titles": titles, "item_order": {}}
    config = WorkspaceConfig(workspace_id="w", rendering=rendering, **settings)
    snapshot, layout = PoolSnapshot(items), Renderer(config.rendering)
    counter = counter or CharCounter()
    score = np.array(scores if scores is not None else [0.5] * len(items), dtype=np.float64)
    return selection_problem(
        snapshot,
        plan=plan_budget(config, QueryComplexity.EXPERT, budget_tokens=budget),
        layout=layout,
        counter=counter,
        tokens=snapshot.token_column(layout, counter),
        worth=Worth(of_item=score, per_token=False),
        score=score,
        duplicate_threshold=duplicate_threshold,
        min_score=min_score,
    )
