"""The memory service for agents, over the Model Context Protocol. Needs the extra `mcp`.

`definitions` is what clients are told, `tools` does it, `server` and `http` speak the protocol;
`stdio` is what a client starts as a process, `install` writes clients' settings. Only `server`,
`http` and `runner` import the SDK.
"""
