"""What the commands are given: options, inputs, settings, made into one request.

Imports `printing` for the bar of long work, `ingest` and the core. Offers the option types,
`Inputs`, `gathered` and `chosen_workspace` to the command files above.
"""
