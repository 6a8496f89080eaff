"""The server's description, OpenAPI 3.1: what FastAPI makes of the routes, and how to send keys."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from mba_integrations.services.api.asking import SCHEMAS
from mba_integrations.services.api.layers.answers import METHODS
from mba_integrations.services.api.layers.callers import OPEN_PATHS
from mba_integrations.services.contracts.problems import ProblemView

DESCRIPTION = """\
Memories that stay, and the part of them that fits a token budget, chosen and explained.

Every POST, PUT, PATCH and DELETE takes an `Idempotency-Key`. Lists are read page by page by
`cursor`. Problems are `application/problem+json` (RFC 9457). A time has a zone.
"""
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "mba_<id>_<secret>"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_NAMED = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Names the request: made again within a day, it is answered and not done again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[\x21-\x7e]+$"},
}


def described(app: FastAPI) -> dict[str, Any]:
    """The description, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        made["components"]["securitySchemes"] = _KEYS
        made["components"]["schemas"] |= _problems()
        made["security"] = [{"bearer": []}, {"key": []}]
        for path, item in made["paths"].items():
            for method, operation in item.items():
                _say_more(path, method, operation)
        app.openapi_schema = made
    return app.openapi_schema


def _problems() -> dict[str, Any]:
    schema = ProblemView.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
    return {**schema.pop("$defs"), ProblemView.__name__: schema}


def _say_more(path: str, method: str, operation: dict[str, Any]) -> None:
    if path in OPEN_PATHS:
        operation["security"] = []
    if method.upper() in METHODS and path.startswith("/v1/"):
        operation.setdefault("parameters", []).append(_NAMED)
