"""What the log knows of past recalls: listed, explained, asked again under other settings."""
