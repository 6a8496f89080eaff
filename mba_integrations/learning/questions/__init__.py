"""Questions whose answers are known: what settings bring of what they need."""
