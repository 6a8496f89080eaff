"""A server in the place of the memory service: the same calls, the same objects back.

`RemoteService` has what the commands on memories use of `MemoryService`, under the same names, over
`MbaClient`; mypy holds every command against both. Imports the client when a command asks a server.
Offers `server_of` (`connecting`) and `RemoteService` (`service`) to `commands/memory/database.py`.
"""
