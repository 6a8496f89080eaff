"""Spans for OpenTelemetry, where somebody asks for them.

Offers `traces` (`Traces`, where spans go and what is in them) and `recalls` (the span of a recall).
"""
