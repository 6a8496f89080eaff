"""`mba mcp` and `mba hook`: what coding agents start. `stdio` and `hook` import next to nothing.

An agent waits for them at its start and at each prompt, so they read their options themselves and
load neither typer nor rich nor a database.
"""
