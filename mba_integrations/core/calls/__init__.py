"""One call from its arguments to its result, and what is kept for the next.

Imports every room below. Offers the call, counters of workspaces, the prompts of sessions, and the
logs of workspaces to the allocator; nothing else imports it.
"""
