"""What a proxy's own objects say of a call, and the calls that run in it.

Offers `data` (a request out of a proxy's dict, and back), `answers` (what a reply used and said)
and `running` (`Running`, the calls of which the end is awaited). Imports no proxy.
"""
