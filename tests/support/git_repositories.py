"""Git repositories made for tests, honest ones and ones that name programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

# Every key of a git configuration whose value git, or a command of it, runs. From `git help
# --config`, and the configuration pages of later versions. {run} is a command line, {file} the
# same as an executable file.
EXECUTING_KEYS = {
    "core.fsmonitor": "{file}",
    "core.hooksPath": "{hooks}",
    "core.sshCommand": "{run}",
    "core.gitProxy": "{file}",
    "core.askPass": "{file}",
    "core.editor": "{run}",
    "core.pager": "{run}",
    "core.alternateRefsCommand": "{run}",
    "sequence.editor": "{run}",
    "pager.log": "{run}",
    "pager.ls-files": "{run}",
    "pager.config": "{run}",
    "alias.log": "!{run}",
    "alias.ls-files": "!{run}",
    "credential.helper": "!{run}",
    "credential.https://example.org.helper": "!{run}",
    "diff.external": "{file}",
    "diff.marked.command": "{file}",
    "diff.marked.textconv": "{run}",
    "diff.tool": "marked",
    "difftool.marked.cmd": "{run}",
    "merge.marked.driver": "{run}",
    "merge.tool": "marked",
    "mergetool.marked.cmd": "{run}",
    "filter.marked.clean": "{run}",
    "filter.marked.smudge": "{run}",
    "filter.marked.process": "{run}",
    "filter.marked.required": "true",
    "interactive.diffFilter": "{run}",
    "gpg.program": "{file}",
    "gpg.openpgp.program": "{file}",
    "gpg.ssh.program": "{file}",
    "gpg.x509.program": "{file}",
    "gpg.ssh.defaultKeyCommand": "{run}",
    "log.showSignature": "true",
    "extensions.partialClone": "origin",
    "remote.origin.url": "{remote}",
    "remote.origin.promisor": "true",
    "remote.origin.partialCloneFilter": "blob:none",
    "remote.origin.uploadpack": "{run};",
    "remote.origin.receivepack": "{run};",
    "remote.origin.vcs": "ext",
    "protocol.allow": "always",
    "protocol.ext.allow": "always",
    "uploadpack.packObjectsHook": "{file}",
    "submodule.nested.update": "!{run}",
    "submodule.recurse": "true",
    "trailer.marked.command": "{run}",
    "trailer.marked.cmd": "{run}",
    "tar.marked.command": "{run}",
    "man.viewer": "marked",
    "man.marked.cmd": "{run}",
    "browser.marked.cmd": "{run}",
    "web.browser": "marked",
    "help.browser": "marked",
    "instaweb.httpd": "{file}",
    "sendemail.sendmailCmd": "{run}",
    "sendemail.toCmd": "{run}",
    "sendemail.ccCmd": "{run}",
    "imap.tunnel": "{run}",
    "guitool.marked.cmd": "{run}",
    "hook.marked.command": "{run}",
    "hook.marked.event": "post-index-change",
    "fsmonitor.allowRemote": "true",
    "core.untrackedCache": "true",
}
HOOKS = ("fsmonitor-watchman", "post-index-change", "pre-auto-gc", "reference-transaction")
ATTRIBUTES = "* filter=marked diff=marked merge=marked ident working-tree-encoding=UTF-16\n"


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """What git prints; as Kate."""
    identity = ["-c", "user.name=Kate", "-c", "user.email=kate@example.org"]
    command = ["git", *identity, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, input=stdin)
    return done.stdout.decode().strip()


def committed(folder: Path, message: str = "First", content: str = "kept") -> Path:
    """A repository with one file and one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "kept.md").write_text(content)
    git(folder, "add", "kept.md")
    git(folder, "commit", "-q", "-m", message)
    return folder


def commit_object(folder: Path, header: str, message: bytes) -> str:
    """Put a commit written by hand on the branch; gives its hash."""
    tree = git(folder, "write-tree")
    raw = f"tree {tree}\n{header}\n\n".encode() + message
    made = git(folder, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw)
    git(folder, "update-ref", "HEAD", made)
    return made


def executable(path: Path, marker: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {path.name} >> '{marker}'\nexit 1\n")
    path.chmod(0o755)
    return path


def values_that_run(place: Path, marker: Path, keys: dict[str, str]) -> dict[str, str]:
    """For each key a value that leaves *marker* behind when it is run."""
    script = executable(place / "run-me", marker)
    for name in HOOKS:
        executable(place / "hooks" / name, marker)
    slots = {
        "run": f"echo ran >> '{marker}'",
        "file": str(script),
        "hooks": str(place / "hooks"),
        "remote": f"ssh://host.invalid{place}",
    }
    return {key: value.format(**slots) for key, value in keys.items()}


def write_config(path: Path, values: dict[str, str]) -> None:
    """Append *values* to a configuration file, without asking git, which would check them."""
    lines = []
    for key, value in values.items():
        section, _, rest = key.partition(".")
        subsection, _, name = rest.rpartition(".")
        head = f'[{section} "{subsection}"]' if subsection else f"[{section}]"
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'{head}\n\t{name} = "{quoted}"\n')
    with path.open("a") as file:
        file.write("".join(lines))
