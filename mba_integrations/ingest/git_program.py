"""Run git so that nothing of the repository runs.

A repository's configuration can name programs: `core.fsmonitor`, `diff.*.textconv`,
`gpg.program`, the `uploadpack` of a remote from which missing objects are fetched, and what a
later version adds. A list of keys to switch off is never complete, so git does not read that
configuration at all. It runs in a folder made for the call, whose own configuration is a few lines
written here, and is pointed to the repository's objects, its index and its work tree. A partial
clone has no remote then, so nothing is fetched. Attributes may name filters and drivers, but these
have no command without a configuration.

    repository                     folder of the call
    .git/config, hooks, modules    not read
    .git/HEAD, refs                resolved by `git_folder`, given as a hash
    .git/index                     GIT_INDEX_FILE
    .git/objects                   GIT_OBJECT_DIRECTORY
    .git/info/exclude, shallow     copied
    the work tree                  GIT_WORK_TREE

Of the person's own configuration only `core.excludesFile` is used. The environment's `GIT_*` are
not passed on. Git is looked for in the absolute folders of PATH only: with `.` or
`node_modules/.bin` in it, a folder could bring a program of that name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mba_integrations.core.errors import InputError
from mba_integrations.ingest.git_folder import GitError, GitFolder
from mba_integrations.ingest.opening import read_regular

_TIMEOUT_SECONDS = 60.0
_COPIED_BYTES = 256_000_000
"""A split index of ten million files; `exclude` and `shallow` are far smaller."""
_SHA256_DIGITS = 64
_CONFIG = "[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tprecomposeUnicode = true\n"
_SHA256_CONFIG = "[extensions]\n\tobjectFormat = sha256\n"
# The second guard, should git ever look beyond the folder of the call.
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


def git_output(found: GitFolder, *arguments: str, folder: Path) -> bytes:
    """What git prints for *arguments*, run in *folder* with the repository *found*.

    Raises:
        GitError: If git is not installed, refuses, or takes longer than a minute.
    """
    program, path = _program()
    with tempfile.TemporaryDirectory(prefix="mba-git-") as made:
        call = Path(made)
        _furnish(call, found)
        environment = {**_outside(path), "GIT_DIR": made}
        excludes = _excludes_file(program, call, environment)
        environment |= _ENVIRONMENT | _places(found)
        command = [program, "--no-pager", *excludes, *arguments]
        return _output(command, folder, environment, arguments[0])


def _program() -> tuple[str, str]:
    """Git, and the folders of PATH in which it was looked for."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if os.path.isabs(folder))
    program = shutil.which("git", path=path) if path else None
    # Windows looks in the current folder first, whatever the path is.
    if program is None or not os.path.isabs(program):
        raise GitError("the git program is not installed.")
    return program, path


def _outside(path: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "PATH": path}


def _furnish(call: Path, found: GitFolder) -> None:
    """Make what git wants to see in a git folder, and copy what it looks for nowhere else."""
    head = found.head() or ""
    sha256 = _SHA256_CONFIG if len(head) == _SHA256_DIGITS else ""
    (call / "config").write_text(_CONFIG + sha256, encoding="utf-8")
    (call / "HEAD").write_text(f"{head or 'ref: refs/heads/none'}\n", encoding="utf-8")
    for name in ("refs", "objects", "info"):
        (call / name).mkdir()
    _copy(found.shared / "info" / "exclude", call / "info" / "exclude")
    _copy(found.shared / "shallow", call / "shallow")
    for index in found.own.glob("sharedindex.*"):
        _copy(index, call / index.name)


def _copy(source: Path, target: Path) -> None:
    with suppress(OSError, InputError):
        target.write_bytes(read_regular(source, max_bytes=_COPIED_BYTES))


def _places(found: GitFolder) -> dict[str, str]:
    index = found.own / "index"
    if index.exists() and not index.is_file():
        raise GitError(f"{index}: not a regular file.")
    places = {
        "GIT_INDEX_FILE": str(index),
        "GIT_OBJECT_DIRECTORY": str(found.shared / "objects"),
    }
    return places if found.work_tree is None else {**places, "GIT_WORK_TREE": str(found.work_tree)}


def _excludes_file(program: str, call: Path, environment: Mapping[str, str]) -> list[str]:
    """The setting of the person's own list of ignored files, as an argument."""
    asked = ["config", "--global", "--includes", "--type=path", "--get", "core.excludesFile"]
    try:
        found = _output([program, *asked], call, environment, "config")
    except GitError:
        return []
    return ["-c", f"core.excludesFile={os.fsdecode(found).removesuffix(os.linesep)}"]


def _output(
    command: list[str], folder: Path, environment: Mapping[str, str], subcommand: str
) -> bytes:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_TIMEOUT_SECONDS,
        ).stdout
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed"]
        raise GitError(f"git {subcommand}: {said[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {subcommand}: no answer within {error.timeout:g} seconds.") from error
    except OSError as error:
        raise GitError(f"git {subcommand}: {error.strerror or error}.") from error
