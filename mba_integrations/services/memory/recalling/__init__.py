"""From a question to the memories that answer it: recall, search, and what is kept of a call."""
