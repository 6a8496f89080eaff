"""Errors about who asks.

MemoryBudgetError
└── AccessError
    ├── UnknownCallerError   no key, or one that is not known, expired or revoked
    └── MissingScopeError    the key may not do that
"""

from __future__ import annotations

from mba_integrations.core.errors import MemoryBudgetError


class AccessError(MemoryBudgetError, PermissionError):
    """The caller may not do that."""


class UnknownCallerError(AccessError):
    """No key was given, or one that is not known, has expired or was revoked."""


class MissingScopeError(AccessError):
    """The key lacks a scope.

    Attributes:
        scope: The one that is needed.
    """

    def __init__(self, message: str, *, scope: str) -> None:
        super().__init__(message)
        self.scope = scope
