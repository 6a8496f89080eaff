"""Memory Budget Allocator: decide which memories enter the prompt."""
