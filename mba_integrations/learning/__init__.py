"""Fitting and evaluating what the core only applies."""
