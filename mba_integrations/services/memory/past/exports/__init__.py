"""Past recalls as files: the log itself, and records that are replayed without the service."""
