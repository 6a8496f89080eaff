"""An experiment: some sessions are decided under settings that differ from those of the workspace.

Which ones goes by a hash of the session, so a session stays in its arm, and what was decided can be
decided again.
"""

from __future__ import annotations

import hashlib
import math
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticSerializationError, to_jsonable_python

from mba_integrations.core.config.group import SettingsGroup
from mba_integrations.core.config.settings import INFINITE

NOT_DEALT = frozenset(
    {
        *("workspace_id", "description", "promotion", "caching", "counting", "logging"),
        *("performance", "gateway", "experiment"),
    }
)
"""Settings that are the same for all sessions: they choose nothing, or both arms are measured by
them."""
_BITS = 53
"""As many as a number in [0, 1) holds exactly."""


def _plain(changes: dict[str, Any]) -> dict[str, Any]:
    """The changes as JSON has them, so that they are the same before and after they were stored."""
    if not changes:
        raise ValueError("must name a setting at least")
    dealt_with = sorted(NOT_DEALT & changes.keys())
    if dealt_with:
        raise ValueError(f"must not have {dealt_with[0]!r}, which is the same for all sessions")
    try:
        plain: dict[str, Any] = to_jsonable_python(changes)
    except PydanticSerializationError as error:
        raise ValueError(f"must be settings that JSON can hold; {error}") from None
    return {name: _fixed(value) for name, value in plain.items()}


def _fixed(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_fixed, value))
    if isinstance(value, dict):
        return {key: _fixed(inner) for key, inner in value.items()}
    return INFINITE if value == math.inf else value


class ExperimentSettings(SettingsGroup):
    """Sessions that are decided under other settings. The service goes by it, the core does not.

    `share` of the sessions, within (0, 1), get `changes`: settings that differ, by name, groups as
    mappings of what differs. Another `id` deals the sessions anew.

    >>> experiment = ExperimentSettings(id="e1", share=0.5, changes={"stability": 0.9})
    >>> [experiment.is_changed(session) for session in ("ann", "ben", "kate", "tom")]
    [True, False, True, True]
    """

    id: Annotated[str, Field(min_length=1)]
    share: Annotated[float, Field(gt=0.0, lt=1.0, allow_inf_nan=False)] = 0.5
    changes: Annotated[dict[str, Any], AfterValidator(_plain)]

    def is_changed(self, key: str) -> bool:
        """Whether a session gets the changes.

        Args:
            key: Its id; of a recall outside of sessions the hash of its query.
        """
        dealt = f"{self.id}\0{key}".encode("utf-8", "surrogatepass")
        number = int.from_bytes(hashlib.sha256(dealt).digest()[:8]) >> (64 - _BITS)
        return number / (1 << _BITS) < self.share
