"""`mba tune`: better settings looked for or tried on live sessions, switched on in stages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.tried import NeededChanges, changes_in
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.figures import add_figures, figure, figures_table
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, results, write_json, write_line
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState

HELP = "Look for better settings in past recalls or try some live, and switch them on in stages."
RUN_HELP = """Have a job look for better settings in the workspace's past recalls.

Nothing changes by it. The workspace has to log texts (logging.include_text) and to have feedback;
the newer recalls are kept out of the search, and what is found is proven on them. Where no server
runs, `mba jobs run` does the job.

Examples:

\b
  mba tune run --trials 300
  mba tune run --workers 2 --url http://127.0.0.1:8377
"""
EXPERIMENT_HELP = """Decide a share of the sessions under changed settings, and compare both arms.

Each arm has feedback on its own prompts, so the gain of settings that bring in what no prompt had
shows as well. It ends by itself: with a verdict after so many recalls with feedback, when the
changed settings do worse, or when somebody changes the settings. They are then as before. A job
looks each minute; where no server runs, `mba jobs run` does it.

Examples:

\b
  mba tune experiment --set scoring_method=usefulness
  mba tune experiment --set token_price=0.0001 --share 0.2 --recalls 1000
"""
SHOW_HELP = """Show what was found, or one of it with its proof.

Examples:

\b
  mba tune show
  mba tune show tune-000001
"""
APPLY_HELP = """Switch proposed settings on: in shadow, live, watched, then kept or taken back.

Examples:

\b
  mba tune apply tune-000001
  mba tune apply tune-000001 --shadow 0 --watch 200
"""
ROLLBACK_HELP = """Take settings back, whatever stage they are at.

Only what the proposal changed goes back to what it was; the settings get a new version.

Examples:

\b
  mba tune rollback tune-000001
"""
OWN_HELP = """Learn coefficients of usefulness and complexity from the workspace's own feedback.

They are drawn to those of the package, the more the less was said. They are printed as settings;
--apply makes them a new version of the workspace's. The workspace has to log texts
(logging.include_text).

Examples:

\b
  mba tune own
  mba tune own --apply
"""
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)
ProposalId = Annotated[str, typer.Argument(metavar="PROPOSAL", help="Which one.")]
# Those of the service, whose modules this command must not load to start.
TRIALS, SHADOW, WATCH, SHARE, JUDGED = 150, 100, 500, 0.5, 500
_STATES = {ProposalState.EXPERIMENT: "running", ProposalState.TAKEN_BACK: "taken back"}
_NOT_SEEN = (
    "a log cannot show the gain of memories that no prompt had; `mba tune experiment` can, and "
    "`mba evaluate` on questions whose answers you know"
)
_ANSWERS = {
    "proposal": "a gain is proven",
    "no_gain": "no gain is proven",
    "constraint_broken": "a gain that costs too much",
    "not_enough": "too little to say anything",
}


@app.command("run", help=RUN_HELP)
@somewhere
def run(
    *,
    trials: Annotated[
        int, typer.Option("--trials", metavar="N", help="How many settings are tried.")
    ] = TRIALS,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", help="Processes that try them; 0 for none.")
    ] = 1,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the draws.")] = 0,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Look for better settings."""
    with opened_at(where, workspace) as service:
        job = service.tuning.run(workspace, trials=trials, workers=workers, seed=seed)
    if as_json:
        write_result({"job": job})
        return
    remark("done", f"job {job.job_id} looks for settings")
    remark("note", f"`mba tune show {job.job_id}` has what it finds")


@app.command("experiment", help=EXPERIMENT_HELP)
@somewhere
def experiment(
    *,
    changes: NeededChanges,
    share: Annotated[
        float, typer.Option("--share", metavar="PART", help="Of the sessions, that are changed.")
    ] = SHARE,
    recalls: Annotated[
        int, typer.Option("--recalls", metavar="N", help="Recalls with feedback that are judged.")
    ] = JUDGED,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Try settings on live sessions."""
    tried = changes_in(changes)
    with opened_at(where, workspace) as service:
        row = service.tuning.experiment(workspace, tried, share=share, recalls=recalls)
    _write_moved(row, as_json=as_json)


@app.command("show", help=SHOW_HELP)
@somewhere
def show(
    proposal_id: Annotated[
        str | None, typer.Argument(metavar="PROPOSAL", help="Which one; all by default.")
    ] = None,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show what was found."""
    with opened_at(where, workspace) as service:
        if proposal_id is None:
            found = service.tuning.list(workspace)
        else:
            found = (service.tuning.get(workspace, proposal_id),)
    if as_json:
        write_result({"proposals": found})
    elif proposal_id is None:
        _write_list(found)
    else:
        _write_one(found[0])


@app.command("apply", help=APPLY_HELP)
@somewhere
def apply(
    proposal_id: ProposalId,
    *,
    shadow: Annotated[
        int, typer.Option("--shadow", metavar="N", help="New recalls that they decide in shadow.")
    ] = SHADOW,
    watch: Annotated[
        int, typer.Option("--watch", metavar="N", help="Recalls after which they are kept.")
    ] = WATCH,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Switch proposed settings on, in stages."""
    with opened_at(where, workspace) as service:
        row = service.tuning.apply(workspace, proposal_id, shadow=shadow, watch=watch)
    _write_moved(row, as_json=as_json)


@app.command("rollback", help=ROLLBACK_HELP)
@somewhere
def rollback(
    proposal_id: ProposalId,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Take settings back."""
    with opened_at(where, workspace) as service:
        row = service.tuning.rollback(workspace, proposal_id)
    _write_moved(row, as_json=as_json)


@app.command("own", help=OWN_HELP)
@somewhere
def own(
    *,
    apply: Annotated[
        bool, typer.Option("--apply", help="Have the workspace use them from now on.")
    ] = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
) -> None:
    """Learn coefficients from feedback."""
    from mba_integrations.learning.own.traffic import own_settings

    with opened_at(where, workspace) as service:
        known = service.workspaces.config(workspace).complexity
        found = own_settings(service.allocations.replay_records(workspace), known)
        changes = found.changes()
        if apply and changes:
            service.workspaces.change(workspace, **changes)
    write_json(changes)
    if found.recalls:
        labels = sum(found.usefulness.labels.values())
        remark("note", f"learned from {found.recalls:,} recalls, {labels:,.1f} labels by weight")
    else:
        remark("note", "nothing to learn from: no recall whose question is logged has feedback")
    if apply and changes:
        remark("done", f"workspace {in_one_line(workspace)} uses them")


def _write_moved(row: ProposalRow, *, as_json: bool) -> None:
    if as_json:
        write_result({"proposals": (row,)})
        return
    remark("done", f"{row.proposal_id} is {_state(row)}")
    if row.reason:
        remark("note", in_one_line(row.reason))


def _write_list(found: tuple[ProposalRow, ...]) -> None:
    if not found:
        remark("note", "nothing was looked for yet; `mba tune run` does")
        return
    table = titled_table(f"Settings that were looked for: {len(found):,}")
    for name in ("id", "found", "state", "answer", "changes"):
        table.add_column(name, overflow="fold")
    for row in found:
        changes = ", ".join(row.changes) or "none"
        at = f"{row.created_at:%Y-%m-%d %H:%M}"
        table.add_row(*map(Text, (row.proposal_id, at, _state(row), _answer(row), changes)))
    results().print(table)


def _write_one(row: ProposalRow) -> None:
    write_line(f"{row.proposal_id} is {_state(row)}: {_answer(row)}.")
    for reason in (*row.found.get("reasons", ()), *((row.reason,) if row.reason else ())):
        write_line(f"  {in_one_line(reason)}")
    for name, value in row.changes.items():
        write_line(f"  {name} = {json.dumps(value)}")
    comparison = row.found.get("comparison")
    if comparison:
        _write_comparison(comparison)
    arms = row.found.get("arms")
    if arms:
        _write_arms(arms)
    elif row.found.get("answer") == "no_gain":
        remark("note", _NOT_SEEN)


def _write_comparison(comparison: Mapping[str, Any]) -> None:
    """The figures of now and of the settings that were found, on what was held out."""
    sides = {"now": comparison["before"], "found": comparison["after"]}
    table = figures_table("On newer recalls", sides)
    table.add_row("needed weight kept", *(f"{one['evidence']:.1%}" for one in sides.values()))
    add_figures(table, sides.values())
    results().print(table)


def _write_arms(arms: Mapping[str, Any]) -> None:
    """The figures of both arms of an experiment."""
    names = ("usual", "changed")
    table = figures_table("Arms", names)
    for what, name, form in (
        ("recalls", "recalls", ",d"),
        ("of them with feedback", "judged", ",d"),
        ("sessions", "sessions", ",d"),
        ("useful weight for each 1,000 tokens", "useful_per_1000_tokens", ",.3f"),
        ("useful weight of a prompt", "useful_weight", ",.3f"),
        ("tokens of a prompt", "mean_used_tokens", ",.0f"),
        ("cost of a prompt", "mean_cost", ",.1f"),
        ("shared with the prompt before", "stability", ".1%"),
        ("prompts that do not fit", "unfit", ",d"),
        ("liked, of prompts with a thumb", "liked", ".1%"),
    ):
        table.add_row(what, *(figure(arms[arm][name], form) for arm in names))
    results().print(table)


def _state(row: ProposalRow) -> str:
    return _STATES.get(row.state, row.state.value)


def _answer(row: ProposalRow) -> str:
    if row.state is ProposalState.EXPERIMENT:
        return "the arms are compared when enough was said"
    return _ANSWERS.get(str(row.found.get("answer")), "no answer")
