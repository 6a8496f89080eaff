"""What is kept for a tier: its share, as far as its items are worth what they displace.

An item counts for the guarantee if it fits in the share and is worth `least_density` a token, and
all that count count only if together they are worth that with the tier's opening. What is kept is
the share, or what they need if that is less. A part of the share may be firm: it is kept for the
items that fit in the share, whatever they are worth. With a `least_density` of 0 all of it is firm.

O(n). Three items in a share of 20 tokens, with an opening of 2. Two are worth 0.05 a token, so 14
tokens are kept; at 0.06 a token the opening is no longer paid, and nothing is:

>>> import numpy as np
>>> value, tokens = np.array([0.4, 0.4, 0.01]), np.array([6, 6, 6])
>>> [guaranteed_tokens(value, tokens, share_tokens=20.0, firm_tokens=0.0, opening_tokens=2,
...                    least_density=least) for least in (0.0, 0.05, 0.06)]
[20.0, 14.0, 0.0]
"""

from __future__ import annotations

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.packing.sharing_tier import TOKEN_ROUNDING

_EQUAL = 1 - 1e-12
"""A worth that is this close to the least is enough: the least is a multiple of one of them."""


def guaranteed_tokens(
    value: FloatArray,
    tokens: IntArray,
    *,
    share_tokens: float,
    firm_tokens: float,
    opening_tokens: int,
    least_density: float,
) -> float:
    """Tokens that no other tier may take.

    Args:
        value: Value of the tier's items, above 0, shape (n,).
        tokens: Their tokens, shape (n,).
        share_tokens: The tier's share.
        firm_tokens: The part of it that is kept whatever the items are worth.
        opening_tokens: What the first item pays besides.
        least_density: Value per token from which an item counts.
    """
    room = int(share_tokens + TOKEN_ROUNDING) - opening_tokens
    if tokens.max(initial=0) > room:
        fits = tokens <= room
        value, tokens = value[fits], tokens[fits]
    needed = int(tokens.sum())
    if not needed:
        return 0.0
    most = min(share_tokens, float(needed + opening_tokens))
    if least_density <= 0.0:
        return most
    worthy = value >= least_density * tokens * _EQUAL
    worth, needed = float(value[worthy].sum()), int(tokens[worthy].sum()) + opening_tokens
    soft = min(share_tokens, float(needed)) if worth >= least_density * needed * _EQUAL else 0.0
    return max(soft, min(firm_tokens, most))
