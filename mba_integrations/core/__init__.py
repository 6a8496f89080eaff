"""Framework-free core of the Memory Budget Allocator."""
