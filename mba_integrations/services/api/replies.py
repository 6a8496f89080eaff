"""Problems as answers of HTTP, `application/problem+json`, alike from layers and from routes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.contracts.problems import FieldProblem, Kind, Problem, problem_of

PROBLEM_TYPE = "application/problem+json"
BAD_REQUEST = Kind(status=400, slug="bad-request", title="the request cannot be read")
NO_SUCH_PATH = Kind(status=404, slug="no-such-path", title="there is nothing at this path")
WRONG_METHOD = Kind(status=405, slug="wrong-method", title="the path does not take this method")
TOO_LARGE = Kind(status=413, slug="too-large", title="the body is too large")
NO_COMPRESSION = Kind(
    status=415, slug="unsupported-media-type", title="the body is of a kind that is not read"
)
WRONG_HOST = Kind(status=421, slug="wrong-host", title="the server does not go by this name")
WRONG_ORIGIN = Kind(status=403, slug="wrong-origin", title="pages of this origin may not call")
INVALID = Kind(status=422, slug="invalid-request", title="the request does not fit its description")
NEEDS_VERSION = Kind(
    status=428, slug="needs-version", title="say which version the change was made from"
)
TOO_MANY = Kind(status=429, slug="too-many", title="too many requests", retry_after=1)
BROKEN = Kind(status=500, slug="internal", title="the server made a mistake")
NOT_OFFERED = Kind(status=501, slug="not-offered", title="the server does not offer that")
FULL = Kind(status=503, slug="overloaded", title="too much work is waiting", retry_after=1)

_BY_STATUS = {
    kind.status: kind
    for kind in (BAD_REQUEST, NO_SUCH_PATH, WRONG_METHOD, TOO_LARGE, NO_COMPRESSION, INVALID)
}


class ProblemError(Exception):
    """A problem that only HTTP knows.

    Attributes:
        problem: What the caller is told.
        headers: What the answer says besides.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(kind=kind, detail=detail, errors=errors)
        self.headers = dict(headers or {})


def kind_of_status(status: int) -> Kind:
    """The kind of what the framework itself refuses."""
    return _BY_STATUS.get(status, BAD_REQUEST if status < 500 else BROKEN)


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for a problem."""
    more: dict[str, str] = dict(headers or {})
    if problem.kind.retry_after is not None:
        more.setdefault("Retry-After", str(problem.kind.retry_after))
    if problem.kind.status == 401:
        more["WWW-Authenticate"] = "Bearer"
    # As ASCII, since a message may quote half of a surrogate pair.
    body = json.dumps(problem.to_dict(), allow_nan=False).encode()
    return Response(body, problem.kind.status, more, PROBLEM_TYPE)


def response_to(error: Exception) -> Response:
    """The answer to an error of ours."""
    if isinstance(error, ProblemError):
        return problem_response(error.problem, error.headers)
    if isinstance(error, MemoryBudgetError):
        return problem_response(problem_of(error))
    detail = "The server's log has more under the request's id."
    return problem_response(Problem(kind=BROKEN, detail=detail))


def as_json(value: Any) -> bytes:
    """JSON of what is not finite nowhere."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
