"""What a workspace has learned, as settings."""
