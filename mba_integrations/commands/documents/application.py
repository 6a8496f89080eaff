"""The commands of `mba documents`."""

from __future__ import annotations

import typer

from mba_integrations.commands.documents import keeping, looking

HELP = "Keep documents, and bring back the passages that a question needs."
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)
app.command("add", help=keeping.ADD_HELP)(keeping.add)
app.command("sync", help=keeping.SYNC_HELP)(keeping.sync)
app.command("list", help=looking.LIST_HELP)(looking.list_documents)
app.command("show", help="Show one document with its pieces.")(looking.show)
app.command("remove", help="Remove documents; their texts stay in the history.")(keeping.remove)
app.command("retrieve", help=looking.RETRIEVE_HELP)(looking.retrieve)
