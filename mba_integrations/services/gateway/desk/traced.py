"""The span of a call: which model, what it used, how it ended.

What a call used is in it where the provider said so; what was counted here is an estimate.
"""

from __future__ import annotations

from mba_integrations.services.gateway.desk.deciding import Decided
from mba_integrations.services.gateway.passing.calls import Outcome
from mba_integrations.services.gateway.wire.apis import provider_of_api
from mba_integrations.services.gateway.wire.usage import Usage
from mba_integrations.services.memory.tracing import traces as names
from mba_integrations.services.memory.tracing.traces import Traces


def trace_call(traces: Traces, decided: Decided, outcome: Outcome, used: Usage | None) -> None:
    """Tell of a call that has ended."""
    asked, plan = decided.asked, decided.rewritten.plan
    said = {
        names.OPERATION: "chat",
        names.PROVIDER: provider_of_api(asked.request.api),
        names.STORE: asked.workspace_id,
        names.CONVERSATION: asked.session_id,
        names.MODEL: asked.request.model,
        names.ANSWERED_BY: decided.models[outcome.attempt],
        names.MEMORY_TOKENS: plan.injected_tokens,
        names.SAVED_TOKENS: max(0, plan.saved_tokens),
        names.OUTCOME: outcome.finished,
    }
    if used is not None:
        said |= {
            names.INPUT_TOKENS: used.input_tokens,
            names.OUTPUT_TOKENS: used.output_tokens,
            names.CACHED_TOKENS: used.cached_tokens,
        }
    traces.call("chat", decided.began_ns, said, failure=_failure(outcome))


def _failure(outcome: Outcome) -> str | None:
    """The status that refused it, or how it broke off; None if it was answered whole."""
    if outcome.status is not None and outcome.status >= 400:
        return str(outcome.status)
    return None if outcome.finished == "done" else outcome.finished
