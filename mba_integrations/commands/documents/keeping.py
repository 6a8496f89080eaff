"""`mba documents add`, `sync` and `remove`: put files, follow a folder, take documents out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.documents.opening import documents_at
from mba_integrations.commands.documents.printing import remark_synced
from mba_integrations.commands.printing.memories import plain, write_result
from mba_integrations.commands.printing.output import note_all, remark, write_line
from mba_integrations.commands.printing.progress import progress_of
from mba_integrations.core.errors import InputError

if TYPE_CHECKING:
    from mba_integrations.commands.documents.opening import Documents
    from mba_integrations.services.rag.replacing import PutReply
    from mba_integrations.services.rag.syncing import RefusedDocument

ADD_HELP = """Keep the documents that files have, in place of those of their ids.

A document's id is the name of its file, behind --prefix; or --id, for one file.

Examples:

\b
  mba documents add docs/install.md
  mba documents add docs/install.md --id install --title "How to install" --tag ops
"""
SYNC_HELP = """Bring the documents to what a folder has now.

A file whose time and size are as they were is not read. What the folder has no more is removed at
the end; more than --most-removed of its documents (and more than five) only with a word.

Examples:

\b
  mba documents sync docs --dry-run
  mba documents sync docs
  mba documents sync docs --prefix handbook/ --most-removed 1 --json
"""
_SHARE = 0.2

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of any format.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of documents.")]
Prefix = Annotated[
    str | None, typer.Option("--prefix", metavar="TEXT", help="Stands before paths in ids.")
]


@somewhere
def add(
    paths: Files,
    *,
    document_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The document's id, for one file.")
    ] = None,
    prefix: Prefix = None,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="What people call it.")
    ] = None,
    uri: Annotated[
        str | None, typer.Option("--uri", metavar="URI", help="Where it can be opened.")
    ] = None,
    subject: options.Subject = None,
    tags: options.Tags = None,
    expires: options.Expires = None,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    local: options.Local = False,
    as_json: options.AsJson = False,
) -> None:
    """Keep the documents that files have."""
    named = _named(paths, document_id, prefix)
    about = {"title": title, "uri": uri, "subject": subject, "valid_until": expires}
    with documents_at(where, workspace, local=local, create=True) as documents:
        more = {**about, "tags": tuple(tags or ())}
        replies, refused = _put_all(documents, workspace, named, more)
    if as_json:
        write_result({"documents": replies, "refused": refused})
    else:
        for reply in replies:
            write_line(f"{_outcome(reply):<9}  {reply.document.document_id}")
        note_all(one.reason for one in refused if len(named) > 1)
    if refused:
        raise InputError(_refusal(refused, len(named)))


def _named(paths: Sequence[Path], document_id: str | None, prefix: str | None) -> dict[str, Path]:
    """The files by the ids of their documents.

    Raises:
        typer.BadParameter: If one id stands for several files.
    """
    if document_id is not None:
        if len(paths) > 1 or prefix is not None:
            raise typer.BadParameter("--id names one file, without --prefix")
        return {document_id: paths[0]}
    named = {f"{prefix or ''}{path.name}": path for path in paths}
    if len(named) < len(paths):
        twice, _ = Counter(path.name for path in paths).most_common(1)[0]
        raise typer.BadParameter(f"several files are called {twice!r}; add them apart, with --id")
    return named


def _put_all(
    documents: Documents, workspace: str, named: dict[str, Path], more: dict[str, Any]
) -> tuple[list[PutReply], list[RefusedDocument]]:
    """What became of each file; one that cannot be read does not hold up the others."""
    from mba_integrations.services import RefusedDocument

    replies: list[PutReply] = []
    refused: list[RefusedDocument] = []
    for document_id, path in named.items():
        try:
            replies.append(documents.put_file(workspace, path, document_id=document_id, **more))
        except InputError as error:
            refused.append(RefusedDocument(document_id=document_id, reason=str(error)))
    return replies, refused


def _outcome(reply: PutReply) -> str:
    return "new" if reply.created else "unchanged" if reply.unchanged else "changed"


def _refusal(refused: Sequence[RefusedDocument], count: int) -> str:
    return refused[0].reason if count == 1 else f"{len(refused):,} of {count:,} files were refused."


@somewhere
def sync(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder.")],
    *,
    prefix: Prefix = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--origin", metavar="NAME", help="Names the folder in later runs. Default: its path."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count only, and write nothing.")
    ] = False,
    most_removed: Annotated[
        float,
        typer.Option("--most-removed", min=0.0, max=1.0, help="Share that may be removed."),
    ] = _SHARE,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    local: options.Local = False,
    as_json: options.AsJson = False,
) -> None:
    """Bring the documents to what a folder has now."""
    at = documents_at(where, workspace, local=local, create=True)
    with at as documents, progress_of(f"Syncing {folder}") as progress:
        reply = documents.sync_folder(
            workspace,
            folder,
            prefix=prefix,
            origin=origin,
            dry_run=dry_run,
            most_removed=most_removed,
            progress=progress,
        )
    if as_json:
        write_result(plain(reply))
    else:
        remark_synced(reply)


@somewhere
def remove(
    ids: Ids,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Remove documents."""
    with documents_at(where, workspace) as documents:
        reply = documents.remove(workspace, ids)
    if as_json:
        write_result(plain(reply))
    else:
        count = len(reply.document_ids)
        remark("done", f"{count:,} documents are removed, with {reply.pieces:,} pieces")
