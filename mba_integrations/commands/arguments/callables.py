"""Functions of the user's own, named on the command line as MODULE:FUNCTION."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError


def callable_named(option: str, name: str | None) -> Callable[..., Any] | None:
    """The function of that name; modules of the folder that the command runs in are found too.

    Raises:
        InputError: If there is no such module or function.
    """
    if name is None:
        return None
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise InputError(f"{option} must be MODULE:FUNCTION, got {shown(name)}.")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{option}: {error}.") from None
    if not callable(found):
        raise InputError(f"{option}: {name} is {shown(found)}, and no function.")
    function: Callable[..., Any] = found
    return function
