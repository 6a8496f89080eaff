"""How a prompt follows the one before.

Imports config, counting, pool and selection. Offers `PreviousPrompt`, what of it is carried over,
`follow`, which decides how much of that is kept, and what a provider's prompt cache can reuse.
"""
