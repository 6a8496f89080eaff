"""`mba retention`: how long memories are kept, what would go by that, and letting it go."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, results
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line, one_line
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.retention.preview import RetentionPreview
from mba_integrations.services.memory.retention.rules import OnLimit, RetentionPolicy

HELP = "How long memories are kept: show and set the rules, preview and apply them."
SET_HELP = """Set what a tier keeps. Limits that are not given do not apply any more.

Pinned and held memories stay whatever the rule. Nothing goes before `mba retention apply`.

Examples:

\b
  mba retention set working --max-age-days 2 --max-items 500 --on-limit demote
  mba retention set long_term --max-idle-days 365
  mba retention set rag
"""
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)
_LIMITS = ("max_age_days", "max_idle_days", "max_items", "max_tokens")


@app.command("show", help="Show the rules of a workspace.")
@somewhere
def show(
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show the rules of a workspace."""
    with opened_at(where, workspace) as service:
        _write_policy(service.workspaces.retention(workspace), as_json=as_json)


@app.command("set", help=SET_HELP)
@somewhere
def set_rule(
    tier: Annotated[MemoryTier, typer.Argument(help="Which tier.")],
    *,
    max_age_days: Annotated[
        float | None, typer.Option("--max-age-days", help="Days since a memory was made.")
    ] = None,
    max_idle_days: Annotated[
        float | None, typer.Option("--max-idle-days", help="Days since its last use.")
    ] = None,
    max_items: Annotated[int | None, typer.Option("--max-items", help="How many.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", help="How many tokens in all.")
    ] = None,
    on_limit: Annotated[
        OnLimit, typer.Option("--on-limit", help="What becomes of the rest.")
    ] = OnLimit.FORGET,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Set what a tier keeps."""
    limits = (max_age_days, max_idle_days, max_items, max_tokens)
    given = {name: limit for name, limit in zip(_LIMITS, limits, strict=True) if limit is not None}
    with opened_at(where, workspace) as service:
        rules = service.workspaces.retention(workspace).model_dump(mode="json")
        rules[tier.value] = {**given, "on_limit": on_limit.value} if given else {}
        _write_policy(service.workspaces.change_retention(workspace, rules), as_json=as_json)


@app.command("preview", help="Show what would go now, and why. Nothing changes.")
@somewhere
def preview(
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show what would go now."""
    with opened_at(where, workspace) as service:
        found = service.retention.preview(workspace)
    if as_json:
        write_result(_preview(found))
    else:
        _print_preview(found)


@app.command("apply", help="Let go what the rules do not keep, and what has expired.")
@somewhere
def apply(
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Let go what the rules do not keep."""
    with opened_at(where, workspace) as service:
        reply = service.retention.apply(workspace)
    if as_json:
        write_result({"counts": reply.counts, "change_seq": reply.change_seq})
    else:
        counts = [f"{count:,} {name}" for name, count in reply.counts.items()]
        remark("done", ", ".join(counts) or "nothing goes")


def _write_policy(policy: RetentionPolicy, *, as_json: bool) -> None:
    if as_json:
        write_result({"retention": policy.model_dump(mode="json")})
        return
    table = titled_table("What is kept")
    for name in ("tier", *(name.replace("_", " ") for name in _LIMITS), "the rest"):
        table.add_column(name, no_wrap=True)
    for tier in MemoryTier:
        rule = policy.rule(tier)
        limits = [getattr(rule, name) for name in _LIMITS]
        cells = ["any" if limit is None else f"{limit:g}" for limit in limits]
        table.add_row(tier.value, *cells, f"{rule.on_limit.value}" if rule.limits else "")
    results().print(table)


def _preview(found: RetentionPreview) -> dict[str, Any]:
    counts = [
        {"tier": tier, "action": action, "rule": rule, "count": count}
        for (tier, action, rule), count in found.counts.items()
    ]
    samples = [{"decision": decision, "text": text} for decision, text in found.samples]
    return {"going": len(found), "expired": found.expired, "counts": counts, "samples": samples}


def _print_preview(found: RetentionPreview) -> None:
    console = results()
    console.print(Text(str(found), style="bold"))
    if not found.samples:
        return
    table = titled_table(f"The first {len(found.samples):,}")
    for name in ("id", "becomes", "why", "text"):
        table.add_column(name, overflow="fold" if name == "why" else "ellipsis")
    for decision, text in found.samples:
        cells = (decision.memory_id, decision.action.value, decision.why)
        table.add_row(*map(Text, map(in_one_line, cells)), Text(one_line(text, max_chars=60)))
    console.print(table)
