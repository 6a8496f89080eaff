"""Fit and evaluate usefulness, weights and complexity (extra `learning`)."""
