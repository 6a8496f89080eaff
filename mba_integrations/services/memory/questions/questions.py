"""`Questions`: questions whose answers are known, as `service.questions`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mba_integrations.core.arguments import checked_iterable, shown
from mba_integrations.core.errors import InputError
from mba_integrations.learning.questions.evaluation import Evaluated, evaluate
from mba_integrations.learning.questions.question import Question
from mba_integrations.learning.replay.settings import Settings
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.questions.records import NotThere, QuestionRecords

_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReply:
    """What settings bring of what questions need.

    Attributes:
        evaluated: The settings of now, and others beside them.
        not_there: What questions need and the workspace has not; it counts nowhere.
    """

    evaluated: Evaluated
    not_there: tuple[NotThere, ...]


class Questions:
    """Questions that are asked to see what settings are worth; nothing is kept of them.

    Args:
        equipment: What the service lends.
        token_counter: The service's own; None for that of the settings.
    """

    def __init__(self, equipment: Equipment, token_counter: object) -> None:
        self._equipment = equipment
        self._token_counter = token_counter

    def records(self, workspace_id: str, questions: Iterable[Question]) -> QuestionRecords:
        """Questions as records for `replay`, `compared`, `tune` and `evaluate`, with whole labels.

        They are asked of the memories of now, under the settings of now, one after the other; a
        session of theirs begins anew. Nothing is logged, counted as used or followed later.

        Args:
            workspace_id: Of which workspace.
            questions: They, in their order.

        Returns:
            Records that are made as they are walked through. `not_there` has what is needed and
            not in the workspace; it is no part of a label, and a question that needs nothing else
            gives no record.

        Raises:
            InputError: If a question cannot be asked, or is asked before one that it follows.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        checked_iterable("questions", questions, "a list of questions")
        listed = tuple(questions)
        for one in listed:
            if not isinstance(one, Question):
                raise InputError(f"questions must be Questions, got {shown(one)}.")
        return QuestionRecords(self._equipment, workspace_id, listed, self._token_counter)

    def evaluate(
        self, workspace_id: str, questions: Iterable[Question], tried: Settings = None
    ) -> EvaluationReply:
        """What the settings of now bring of what questions need, and others beside them.

        Args:
            workspace_id: Of which workspace.
            questions: As for `records`.
            tried: Other settings: whole, or what differs from those of now by name.

        Raises:
            InputError: As `records`; or if nothing that is needed is in the workspace.
            InvalidWorkspaceError: If a setting is out of its range.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        found = self.records(workspace_id, questions)
        asked = list(found)
        if not asked:
            named = [repr(one) for each in found.not_there for one in each.named][:_NAMED]
            raise InputError(
                f"workspace {workspace_id!r} has nothing that the questions need"
                f"{': ' if named else ''}{', '.join(named)}. Give ids of memories that can be "
                "recalled, or pieces of their texts."
            )
        evaluated = evaluate(asked, tried, token_counter=self._token_counter)
        return EvaluationReply(evaluated=evaluated, not_there=found.not_there)
