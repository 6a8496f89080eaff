"""How a prompt follows the one before.

Imports budget, config, counting, pool and selection. Offers `PreviousPrompt`, what of it is kept
and why, and what a provider's prompt cache can reuse.
"""
