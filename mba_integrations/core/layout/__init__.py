"""How a prompt is written and measured.

Imports config and counting. Offers the `PromptLayout` protocol, the renderer of the workspace's
formats, and layouts for prompts that a framework writes.
"""
