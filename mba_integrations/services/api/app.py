"""`create_app`: a memory service over HTTP.

    app = create_app(service, ServerSettings())
    uvicorn.run(app)

The app does not own the service: who made it closes it, after the app has gone down.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.api.asking import Ground
from mba_integrations.services.api.compat.layer import CompatLayer, is_foreign, spelled_out
from mba_integrations.services.api.cursors import Cursors
from mba_integrations.services.api.description import DESCRIPTION, described
from mba_integrations.services.api.layers.answers import AnswerLayer
from mba_integrations.services.api.layers.bodies import BodyLayer
from mba_integrations.services.api.layers.callers import CallerLayer
from mba_integrations.services.api.layers.hosts import HostLayer
from mba_integrations.services.api.layers.mounted import MountLayer
from mba_integrations.services.api.layers.outer import OuterLayer
from mba_integrations.services.api.layers.paths import PathLayer
from mba_integrations.services.api.layers.refusals import RefusalLayer
from mba_integrations.services.api.metrics.registry import Metrics
from mba_integrations.services.api.mounts import Mount
from mba_integrations.services.api.replies import (
    INVALID,
    ProblemError,
    kind_of_status,
    problem_response,
    response_to,
)
from mba_integrations.services.api.routes.table import ROUTERS, compat_router
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.api.work import Work
from mba_integrations.services.contracts.problems import FieldProblem, Problem, pointer_of
from mba_integrations.services.memory.service import MemoryService

MOST_FIELDS = 100
"""Fields that a problem names: a list of 1,000 memories may have a fault in each."""


def create_app(
    service: MemoryService,
    settings: ServerSettings | None = None,
    *,
    mounts: Sequence[Mount] = (),
) -> FastAPI:
    """The server's app.

    Args:
        service: What it serves.
        settings: How; the defaults serve this machine alone.
        mounts: Other apps that answer under paths of their own, behind the same layers.
    """
    settings = ServerSettings() if settings is None else settings
    work = Work(
        choosing=settings.choosing_threads,
        lasting=settings.lasting_threads,
        waiting=settings.waiting,
    )
    metrics = Metrics(service, work)
    app = FastAPI(
        title="Memory Budget Allocator",
        version="1",
        description=DESCRIPTION,
        docs_url="/docs",
        redoc_url=None,
        lifespan=_lifespan(mounts),
        telemetry={"operation_spans": False, "logs": False},
    )
    cursors = Cursors(partial(service.secret, "cursors"))
    app.state.ground = Ground(service=service, settings=settings, cursors=cursors, metrics=metrics)
    for router in (*ROUTERS, *map(compat_router, sorted(set(settings.compat)))):
        app.router.routes.extend(router.routes)
    _handle_errors(app)
    app.add_middleware(MountLayer, mounts=mounts)
    _wrap(app, service, settings, work, metrics, mounts)
    app.openapi = lambda: described(app)  # type: ignore[method-assign]
    return app


def _wrap(
    app: FastAPI,
    service: MemoryService,
    settings: ServerSettings,
    work: Work,
    metrics: Metrics,
    mounts: Sequence[Mount],
) -> None:
    """Put the layers around the routes; the last one that is added is the outermost."""
    app.add_middleware(AnswerLayer, answers=service.answers)
    app.add_middleware(CallerLayer, keys=service.keys, settings=settings, mounts=mounts)
    app.add_middleware(
        BodyLayer,
        most=settings.body_bytes,
        most_imported=settings.import_bytes,
        most_uploaded=settings.file_bytes,
        mounts=mounts,
    )
    for mount in mounts:
        if mount.around is not None:
            app.add_middleware(mount.around)
    app.add_middleware(HostLayer, settings=settings)
    app.add_middleware(RefusalLayer, mounts=mounts)
    if settings.compat:
        app.add_middleware(CompatLayer, names=sorted(set(settings.compat)))
    app.add_middleware(PathLayer)
    app.add_middleware(OuterLayer, work=work, metrics=metrics)


def _lifespan(mounts: Sequence[Mount]) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for mount in mounts:
                if mount.lifespan is not None:
                    await stack.enter_async_context(mount.lifespan())
            yield

    return lifespan


def _handle_errors(app: FastAPI) -> None:
    async def ours(request: Request, error: Exception) -> Response:
        return response_to(error)

    async def frameworks(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = kind_of_status(error.status_code)
        return problem_response(Problem(kind=kind, detail=str(error.detail)), error.headers)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        problem = _refused(error)
        return problem_response(spelled_out(problem) if is_foreign(request.scope) else problem)

    app.add_exception_handler(ProblemError, ours)
    app.add_exception_handler(MemoryBudgetError, ours)
    app.add_exception_handler(HTTPException, frameworks)
    app.add_exception_handler(RequestValidationError, invalid)


def _refused(error: RequestValidationError) -> Problem:
    """Which fields of a request are refused; what was given there is not sent back."""
    found = error.errors()
    fields = tuple(
        FieldProblem(pointer=pointer_of(tuple(one["loc"])), detail=str(one["msg"]))
        for one in found[:MOST_FIELDS]
    )
    detail = f"{len(found)} fields are refused." if len(found) > 1 else "A field is refused."
    return Problem(kind=INVALID, detail=detail, errors=fields)
