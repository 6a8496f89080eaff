"""`status`: what a workspace holds, how much a prompt may have, and which jobs wait."""

from __future__ import annotations

from mba_integrations.services.access.principal import Scope
from mba_integrations.services.mcp.tools.caller import Caller
from mba_integrations.services.mcp.tools.reply import Reply
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.rag.service import RagService
from mba_integrations.services.store.rows.jobs import JobState


def status(service: MemoryService, caller: Caller) -> Reply:
    """How the workspace is."""
    caller.check(Scope.READ)
    counts = service.counts(caller.workspace_id)
    config = service.workspaces.config(caller.workspace_id)
    jobs = service.jobs.counts(caller.workspace_id)
    waiting = jobs.get(JobState.QUEUED, 0) + jobs.get(JobState.RUNNING, 0)
    failed = jobs.get(JobState.FAILED, 0)
    total = sum(counts.values())
    documents = RagService(service).count(caller.workspace_id)
    tiers = ", ".join(f"{count:,} {tier.value}" for tier, count in counts.items())
    budget = config.max_total_tokens - config.reserved_tokens
    return Reply(
        text=(
            f"Workspace {caller.workspace_id}: {total:,} memories ({tiers}), "
            f"{documents:,} documents. A recall may have up to {budget:,} tokens. "
            f"{waiting:,} jobs wait, {failed:,} failed."
        ),
        receipt={
            "memories": total,
            "documents": documents,
            "budget_tokens": budget,
            "jobs": waiting,
            "failed": failed,
        },
    )
