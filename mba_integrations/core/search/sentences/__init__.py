"""The sentences of a text, the lines of a tool's result, and what tells of errors at its end."""
