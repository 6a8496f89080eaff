"""What a server answered in place of a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mba_integrations.core.errors import MemoryBudgetError


class ServerError(MemoryBudgetError, RuntimeError):
    """The server refused a request, or could not be reached.

    Attributes:
        status: Of HTTP; None where there was no answer.
        kind: The end of the problem's type, such as `unknown-workspace`.
        problem: The whole problem.
        request_id: By which the server's log knows the request.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        kind: str | None = None,
        problem: Mapping[str, Any] | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.problem = dict(problem or {})
        self.request_id = request_id
