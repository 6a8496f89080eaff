"""Routes on what is learned from past recalls."""
