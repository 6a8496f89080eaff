"""How a prompt is written and measured.

Imports config, counting and dialogue. Offers the `PromptLayout` protocol with its defaults, the
renderer of the workspace's formats, and layouts for prompts that a framework writes.
"""
