"""The subcommands of `mba`, one file each. Needs the extra `cli`.

Imports `ingest`, `local_embedder`, `demo` and the core. `arguments` is what goes in, `printing`
what comes out; `application` joins the commands and turns errors into lines and exit codes.
"""
