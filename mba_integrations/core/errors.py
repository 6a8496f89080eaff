"""Every error that the core raises.

    MemoryBudgetError
    ├── ConfigError                a setting is out of its range or contradicts another
    │   ├── ConfigFileError        a settings file has problems; all of them are listed
    │   ├── InvalidSettingsError   settings given in Python have problems (`config.problems`)
    │   │   └── InvalidWorkspaceError  the same of a workspace (`config.workspace`)
    │   └── UnknownWorkspaceError  no workspace of that id is registered
    ├── InputError                 an argument or a memory item is unusable
    │   ├── DuplicateItemError     two items share an id
    │   └── PoolError              a memory pool cannot do what was asked, or cannot be loaded
    ├── BudgetError                what must be in the prompt does not fit
    │   └── PinnedOverBudgetError
    ├── TokenizerError             no exact vocabulary is at hand
    └── MissingExtraError          an optional dependency is not installed

A message names what is wrong, how much, and what to change; the numbers are attributes as well.
Errors survive pickling, so they cross process boundaries whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class MemoryBudgetError(Exception):
    """Root of the tree: catching it catches everything that this library raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(
    kind: type[MemoryBudgetError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> MemoryBudgetError:
    """Make an error again without its constructor, which may want more than `args`."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(attributes)
    return error


class ConfigError(MemoryBudgetError, ValueError):
    """A setting is outside its range, or two settings contradict each other.

    Attributes:
        key: Dotted name of the setting, or None where the problem is not one setting's.
        value: The value that was received.
    """

    def __init__(self, message: str, *, key: str | None = None, value: object = None) -> None:
        super().__init__(message)
        self.key = key
        self.value = value


class ConfigFileError(ConfigError):
    """A settings file has one or more problems; the message lists all of them, one a line.

    Attributes:
        problems: One line for each problem, `file:line: key: what is wrong`.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class UnknownWorkspaceError(ConfigError, LookupError):
    """No workspace of that id is registered, or in the file."""


class InputError(MemoryBudgetError, ValueError):
    """An argument or a memory item is unusable."""


class DuplicateItemError(InputError):
    """Two items share an id.

    Attributes:
        item_id: The id that occurs more than once.
    """

    def __init__(self, message: str, *, item_id: str) -> None:
        super().__init__(message)
        self.item_id = item_id


class PoolError(InputError):
    """A memory pool cannot do what was asked, or a saved pool cannot be loaded."""


class BudgetError(MemoryBudgetError, ValueError):
    """What must be in the prompt does not fit.

    Attributes:
        needed_tokens: Tokens that are needed.
        budget_tokens: Tokens that there are.
    """

    def __init__(self, message: str, *, needed_tokens: int, budget_tokens: int) -> None:
        super().__init__(message)
        self.needed_tokens = needed_tokens
        self.budget_tokens = budget_tokens


class PinnedOverBudgetError(BudgetError):
    """The pinned items, with their groups and section headings, need more than the budget."""


class TokenizerError(MemoryBudgetError, RuntimeError):
    """No exact vocabulary is at hand, and none may be fetched."""


class MissingExtraError(MemoryBudgetError, ImportError):
    """An optional dependency is not installed.

    Attributes:
        extra: The extra of `mba-integrations` that brings it.
    """

    def __init__(self, feature: str, *, extra: str) -> None:
        super().__init__(
            f"{feature} needs an optional dependency. Install it with: "
            f"pip install 'mba-integrations[{extra}]'; from a checkout: pip install '.[{extra}]'"
        )
        self.extra = extra
