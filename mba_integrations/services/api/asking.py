"""What routes ask for: the service, the caller, the workspace of the path."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.routing import APIRoute
from starlette.convertors import Convertor, register_url_convertor

from mba_integrations.services.access.principal import Principal, Scope
from mba_integrations.services.api.cursors import Cursors
from mba_integrations.services.api.errand import CURRENT
from mba_integrations.services.api.layers.paths import workspace_in
from mba_integrations.services.api.metrics.registry import Metrics
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.contracts.body import View
from mba_integrations.services.contracts.problems import ProblemView
from mba_integrations.services.memory.once import Once
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.scopes import LONGEST_ID


class _AnyText(Convertor[str]):
    """All of the rest of a path, as `path` is, and also where an id has a line end."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """The id."""
        return value

    def to_string(self, value: str) -> str:
        """The id in a path."""
        return value


register_url_convertor("rest", _AnyText())


class OwnRouter(APIRouter):
    """Routes that apps take as they are, with operations that are called as their functions are.

    An app that includes a router makes each of its routes anew, which takes as long as the first
    time; these serve every app.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(generate_unique_id_function=_name, **settings)


def _name(route: APIRoute) -> str:
    return route.name


WorkspaceId = Annotated[str, Path(min_length=1, max_length=LONGEST_ID, alias="workspace_id")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a server stands on, as `app.state.ground`.

    Attributes:
        service: The memory service.
        settings: The server's.
        cursors: Of its lists.
        metrics: Its figures.
    """

    service: MemoryService
    settings: ServerSettings
    cursors: Cursors
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a route.

    Attributes:
        ground: What the server stands on.
        principal: Who asks.
        workspace_id: Of which workspace; empty where the path names none.
        key: Names the request, where the caller named it.
    """

    ground: Ground
    principal: Principal
    workspace_id: str = ""
    key: str | None = None

    @property
    def service(self) -> MemoryService:
        """The memory service."""
        return self.ground.service

    @property
    def own_key(self) -> str | None:
        """The request's name, which no other caller's request has."""
        return None if self.key is None else f"http:{self.principal.key_id}:{self.key}"

    @property
    def request(self) -> str | None:
        """The request's name with what it asks: another request has another one."""
        asked = CURRENT.get().asked
        return None if asked is None else f"{asked.name} {asked.digest}"

    def once(
        self, view: Callable[[Any], View], *, status: int = 200, body: bytes = b""
    ) -> Once | None:
        """Have the act that it is given to keep its answer, in its own transaction.

        Args:
            view: The body of the answer, from what the act gives.
            status: The answer's.
            body: What was sent, where that is a file, which no layer reads.
        """
        asked = CURRENT.get().asked
        if asked is None:
            return None
        asked.kept = True
        digest = asked.digest
        if body:
            digest = hashlib.sha256(digest.encode() + body).hexdigest()
        return Once(
            name=asked.name,
            digest=digest,
            written=lambda result: written_answer(view(result), status),
        )


def written_answer(view: View, status: int) -> dict[str, Any]:
    """An answer as it is kept."""
    headers = {"content-type": "application/json"}
    etag = getattr(view, "etag", None)
    if etag is not None:
        headers["etag"] = etag
    return {"status": status, "headers": headers, "body": view.model_dump(mode="json")}


async def ground_of(request: Request) -> Ground:
    """What the server stands on."""
    ground: Ground = request.app.state.ground
    return ground


def _call(request: Request, workspace_id: str = "") -> Call:
    return Call(
        ground=request.app.state.ground,
        principal=request.state.principal,
        workspace_id=workspace_id,
        key=request.headers.get("idempotency-key"),
    )


def within(scope: Scope) -> Any:
    """A call in the workspace of the path, by a caller who may do that there."""

    async def call(request: Request, workspace_id: WorkspaceId) -> Call:
        made = _call(request, workspace_in(workspace_id))
        made.principal.check(scope, made.workspace_id)
        return made

    return Depends(call)


def anywhere(scope: Scope) -> Any:
    """A call that names no workspace, by a caller with the scope."""

    async def call(request: Request) -> Call:
        made = _call(request)
        made.principal.check(scope)
        return made

    return Depends(call)


def everywhere(scope: Scope) -> Any:
    """A call that concerns all workspaces, by a caller who may reach them."""

    async def call(request: Request) -> Call:
        made = _call(request)
        made.principal.check_everywhere(scope)
        return made

    return Depends(call)


Read = Annotated[Call, within(Scope.READ)]
Write = Annotated[Call, within(Scope.WRITE)]
Forget = Annotated[Call, within(Scope.FORGET)]
Admin = Annotated[Call, within(Scope.ADMIN)]
ReadContent = Annotated[Call, within(Scope.READ_CONTENT)]
ReadAnywhere = Annotated[Call, anywhere(Scope.READ)]
AdminAnywhere = Annotated[Call, anywhere(Scope.ADMIN)]
AdminEverywhere = Annotated[Call, everywhere(Scope.ADMIN)]

SCHEMAS = "#/components/schemas/"
PROBLEM_BODY: dict[str, Any] = {"schema": {"$ref": f"{SCHEMAS}{ProblemView.__name__}"}}
"""As `description` has it once; a model here would be made anew for each route, twice."""
_PROBLEM: dict[str, Any] = {
    "content": {"application/json": PROBLEM_BODY, "application/problem+json": {}},
    "description": "A problem (RFC 9457).",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}
Decorator = Callable[[Any], Any]
