"""What calls through the gateway may spend, and what they used.

Imports what `statements` does. Offers `spend` (reserve, settle, renew, how accounts stand) and
`usage` (added up by minute, hour and day).
"""
