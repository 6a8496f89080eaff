"""Settings of a workspace, their file, and what is wrong with them in words.

Imports errors and model; pydantic checks the values, PyYAML is loaded when a file is read. Offers
`WorkspaceConfig` with its groups of settings, the loader and the watched file, and workspaces by
id.
"""
