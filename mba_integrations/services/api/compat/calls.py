"""In which workspace a client of another server is, and whether it may do that there.

The one that its URL names; else the only one that its key reaches.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from mba_integrations.services.access.principal import Principal, Scope
from mba_integrations.services.api.asking import PROBLEM_BODY, Call, Ground
from mba_integrations.services.api.compat.layer import NAMED
from mba_integrations.services.api.replies import BAD_REQUEST, NOT_OFFERED, ProblemError
from mba_integrations.services.api.work import RUNNING

_PROBLEM: dict[str, Any] = {
    "content": {"application/json": PROBLEM_BODY},
    "description": "A problem, with its `detail`.",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}


def within(scope: Scope) -> Any:
    """A call in the workspace of the URL or of the key, by a caller who may do that there."""

    async def call(request: Request) -> Call:
        ground: Ground = request.app.state.ground
        principal: Principal = request.state.principal
        workspace_id = await _workspace(request, ground, principal)
        principal.check(scope, workspace_id)
        return Call(ground=ground, principal=principal, workspace_id=workspace_id)

    return Depends(call)


async def _workspace(request: Request, ground: Ground, principal: Principal) -> str:
    named: str | None = request.scope["state"][NAMED]
    if named is not None:
        return named
    reached = tuple(principal.workspaces or ())
    if principal.workspaces is None:
        reached = await RUNNING.get().run("store", ground.service.workspaces.ids)
    if len(reached) != 1:
        prefix = request.url.path.split("/")[1]
        raise ProblemError(
            BAD_REQUEST,
            f"The caller reaches {len(reached):,} workspaces, and the URL names none. "
            f"Ask under /{prefix}/workspaces/NAME.",
        )
    return reached[0]


def not_offered(path: str, why: str) -> ProblemError:
    """The answer to a route that the other server has."""
    return ProblemError(NOT_OFFERED, f"/{path} is not offered here. {why}")


Read = Annotated[Call, within(Scope.READ)]
Write = Annotated[Call, within(Scope.WRITE)]
Forget = Annotated[Call, within(Scope.FORGET)]
