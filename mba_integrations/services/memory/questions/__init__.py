"""Questions whose answers are known, asked of the memories of a workspace."""
