"""Questions as records that are replayed without the workspace, labelled with what they need.

Each is decided as a recall would decide it now, and leaves nothing: no log, no use, no session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from mba_integrations import PreviousPrompt
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import BudgetError, InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.learning.questions.labels import labelled
from mba_integrations.learning.questions.question import Question
from mba_integrations.learning.replay.choosing import Choosing
from mba_integrations.learning.replay.records import Decided, ReplayRecord
from mba_integrations.learning.replay.settings import config_of_then
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.new_memory import CLOCK_TOLERANCE
from mba_integrations.services.memory.questions.needs import Need, needs_of
from mba_integrations.services.memory.recalling.candidates import candidates_for
from mba_integrations.services.memory.recalling.recall import query_vector_of
from mba_integrations.services.memory.recalling.request import RecallRequest
from mba_integrations.services.memory.workspaces import as_json
from mba_integrations.services.store.statements import workspaces


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    question_id: str
    at: datetime
    question: Question


@dataclass(frozen=True, slots=True)
class _Candidates:
    items: tuple[MemoryItem, ...]
    model_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotThere:
    """What a question needs and the workspace has not.

    Attributes:
        question_id: Id of the question: its record's, if it needs anything else.
        query: What it asks.
        named: Ids of memories that cannot be recalled, and pieces of text that none of those has.
        is_asked: Whether it needs anything else, so that it has a record.
    """

    question_id: str
    query: str
    named: tuple[str, ...]
    is_asked: bool


class QuestionRecords:
    """Questions of a workspace as records, in their order.

    What they need is looked up when this is made; they are decided as they are walked through.

    Args:
        equipment: What reads.
        workspace_id: Of which workspace.
        questions: They.
        token_counter: The service's own; None for that of the settings.

    Attributes:
        not_there: What they need and the workspace has not; it is no part of their labels. A
            question that needs nothing else has no record.
    """

    def __init__(
        self,
        equipment: Equipment,
        workspace_id: str,
        questions: Sequence[Question],
        token_counter: object = None,
    ) -> None:
        self._equipment = equipment
        self._workspace_id = workspace_id
        self._now = equipment.clock()
        self._asked = _asked(questions, self._now)
        self._token_counter = token_counter
        with equipment.read(workspace_id) as reading:
            row = workspaces.get(reading)
            self._config = equipment.settings.of(row)
            self._is_beyond = equipment.sizes.beyond(reading, row) is not None
            self._needs = needs_of(reading, questions, self._now)
        self.not_there = tuple(_not_there(self._asked, self._needs))

    def __iter__(self) -> Iterator[ReplayRecord]:
        """One record after the other, as they are made."""
        sessions: dict[str, tuple[datetime, PreviousPrompt]] = {}
        deciding = _Deciding(self._equipment, self._config, self._token_counter)
        whole = None if self._is_beyond else self._candidates("", None)
        for asked, need in zip(self._asked, self._needs, strict=True):
            previous = self._followed(asked, sessions)
            candidates = whole or self._candidates(asked.question.query, previous)
            record, allocation = deciding.of(asked, candidates, previous)
            if asked.question.session_id is not None and allocation is not None:
                sessions[asked.question.session_id] = asked.at, allocation.as_previous
            if need.memory_ids:
                said = labelled(need.memory_ids, record.selected_ids)
                yield replace(record, feedback=said)

    def _candidates(self, query: str, previous: PreviousPrompt | None) -> _Candidates:
        request = RecallRequest(workspace_id=self._workspace_id, query=query)
        found = candidates_for(self._equipment, request, self._now, following=previous)
        return _Candidates(tuple(found.pool), found.model_id)

    def _followed(
        self, asked: _Asked, sessions: Mapping[str, tuple[datetime, PreviousPrompt]]
    ) -> PreviousPrompt | None:
        """The prompt before it in its session, unless it is too old to be followed."""
        session_id = asked.question.session_id
        if session_id is None or session_id not in sessions:
            return None
        then, previous = sessions[session_id]
        idle = timedelta(seconds=self._config.performance.session_idle_seconds)
        return previous if asked.at - then <= idle else None


class _Deciding:
    """Decides questions under settings."""

    def __init__(
        self, equipment: Equipment, config: WorkspaceConfig, token_counter: object
    ) -> None:
        self._equipment = equipment
        self._settings = as_json(config)
        self._config = config_of_then(self._settings)
        self._choosing = Choosing(token_counter)
        equipment.settings.lend(config)
        self._counter_id = equipment.allocator.token_counter(config.workspace_id).id

    def of(
        self, asked: _Asked, candidates: _Candidates, previous: PreviousPrompt | None
    ) -> tuple[ReplayRecord, Allocation | None]:
        """The record of a question, without label, and its prompt; None where pins do not fit."""
        question, workspace_id = asked.question, self._config.workspace_id
        request = RecallRequest(workspace_id=workspace_id, query=question.query)
        vector = query_vector_of(self._equipment, request, candidates.model_id)
        record = ReplayRecord(
            allocation_id=asked.question_id,
            workspace_id=workspace_id,
            at=asked.at,
            settings=self._settings,
            decided=Decided(tokens={}, used_tokens=0, counter_id=self._counter_id),
            budget_tokens=question.budget_tokens or self._config.max_total_tokens,
            budget_given=question.budget_tokens is not None,
            session_id=question.session_id,
            query=question.query,
            query_embedding=None if vector is None else np.asarray(vector),
            candidates=candidates.items,
            previous=None if previous is None else previous.to_dict(),
        )
        try:
            allocation = self._choosing.chosen(record, self._config, previous)
        except BudgetError:
            return record, None
        decided = _decided(allocation)
        return replace(record, decided=decided, budget_tokens=allocation.budget_tokens), allocation


def _decided(allocation: Allocation) -> Decided:
    return Decided(
        tokens={one.id: one.tokens for one in allocation.selected},
        used_tokens=allocation.used_tokens,
        counter_id=allocation.counter_id,
        tier_tokens={tier: one.used_tokens for tier, one in allocation.tiers.items()},
    )


def _asked(questions: Sequence[Question], now: datetime) -> tuple[_Asked, ...]:
    """The questions with names and times.

    Raises:
        InputError: If one cannot be asked, or is asked before one that it follows.
    """
    found: list[_Asked] = []
    last: dict[str, _Asked] = {}
    for number, question in enumerate(questions, start=1):
        one = _Asked(question_id=f"question-{number:06d}", at=question.at or now, question=question)
        _check(one, now)
        if question.session_id is not None:
            before = last.setdefault(question.session_id, one)
            if one.at < before.at:
                raise InputError(
                    f"{one.question_id} is asked at {one.at.isoformat()}, before "
                    f"{before.question_id} of its session. Write questions of a session in the "
                    "order of time; without at they are asked now."
                )
            last[question.session_id] = one
        found.append(one)
    return tuple(found)


def _check(one: _Asked, now: datetime) -> None:
    try:
        RecallRequest(
            workspace_id="", query=one.question.query, session_id=one.question.session_id
        ).checked(now)
    except InputError as error:
        raise InputError(f"{one.question_id}: {error}") from None
    if one.at - now > CLOCK_TOLERANCE:
        raise InputError(
            f"{one.question_id}: at lies in the future, at {one.at.isoformat()}. Leave it out for "
            "now."
        )


def _not_there(asked: Sequence[_Asked], needs: Sequence[Need]) -> Iterator[NotThere]:
    for one, need in zip(asked, needs, strict=True):
        if need.not_there:
            yield NotThere(
                question_id=one.question_id,
                query=one.question.query,
                named=need.not_there,
                is_asked=bool(need.memory_ids),
            )
