"""Coefficients from a workspace's own traffic, drawn to the shipped ones."""
