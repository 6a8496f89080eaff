"""What a client starts as a process: a thin proxy between its pipes and the daemon of a file.

Imports the standard library, `definitions` and `daemon`; neither the SDK nor a database.
"""
