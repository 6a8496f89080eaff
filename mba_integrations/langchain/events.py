"""The custom event of each choice, for callbacks and `astream_events`."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import adispatch_custom_event, dispatch_custom_event
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.runnables.config import get_callback_manager_for_config

EVENT_NAME = "memory_budget"


def send_event(data: dict[str, Any], config: RunnableConfig | None = None) -> None:
    """Send it to who watches the run; outside of a run nobody does.

    Args:
        data: What the event says.
        config: Of the run; None for the run that this is called in.
    """
    if _is_in_run(config):
        dispatch_custom_event(EVENT_NAME, data, config=config)


async def asend_event(data: dict[str, Any], config: RunnableConfig | None = None) -> None:
    """As `send_event`."""
    if _is_in_run(config):
        await adispatch_custom_event(EVENT_NAME, data, config=config)


def _is_in_run(config: RunnableConfig | None) -> bool:
    # Looked for beforehand: the error of an event without a run is a RuntimeError, as one that a
    # handler of the caller's may raise.
    return get_callback_manager_for_config(ensure_config(config)).parent_run_id is not None
