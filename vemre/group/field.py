"""The field of integers modulo p = 2^255 - 19 (RFC 9496, section 4.1): square roots and batches of inverses.

Elements of the field are plain integers, reduced unless a name says otherwise. A reduction by ``%`` costs twice
a multiplication, so where the result goes into one more product it is replaced by `19 * (x >> 255)`, which
leaves a few bits over; callers of this package do the same in line, where a function call would cost as much.

Nothing here is constant-time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

P: Final = 2**255 - 19
LOW: Final = 2**255 - 1
"""The mask of the fold: x is congruent to (x & LOW) + 19 * (x >> 255)."""

D: Final = -121665 * pow(121666, -1, P) % P
D2: Final = 2 * D % P
SQRT_M1: Final = pow(2, (P - 1) // 4, P)
ONE_MINUS_D_SQ: Final = (1 - D * D) % P
D_MINUS_ONE_SQ: Final = (D - 1) ** 2 % P
# The sign of these two square roots is a choice of RFC 9496, section 4.1.
SQRT_AD_MINUS_ONE: Final = 25063068953384623474111414158702152701244531502492656460079210482610430750235
INVSQRT_A_MINUS_D: Final = 54469307008909316920995813868745141605393597292927456921205312896311721017578

_MINUS_ONE: Final = P - 1


def invsqrt(v: int) -> tuple[bool, int]:
    """(True, 1/sqrt(v)), or (False, sqrt(i/v)) where v is not a square; (False, 0) for v = 0. The sign of the root
    is not fixed."""
    r = _power_p58(v)
    check = r * r % P * v % P  # a fourth root of unity, unless v = 0
    if check == 1:
        return True, r
    if check == _MINUS_ONE:
        return True, r * SQRT_M1 % P
    if check == SQRT_M1 or check == 0:
        return False, r
    return False, r * SQRT_M1 % P


def sqrt_ratio_m1(u: int, v: int) -> tuple[bool, int]:
    """SQRT_RATIO_M1 of RFC 9496, section 4.2: whether u/v is a square, and the non-negative root of u/v or of
    i*u/v."""
    square, inverse = invsqrt(u * v % P)
    root = u * inverse % P
    return square or u == 0, P - root if root & 1 else root


def invert_all(values: Sequence[int]) -> list[int]:
    """The inverses of all `values` by one inversion (Montgomery's trick); 0 stays 0."""
    prefixes = []
    product = 1
    for value in values:
        prefixes.append(product)
        if value:
            product = product * value % P
    inverse = pow(product, -1, P)
    inverses = [0] * len(values)
    for i in range(len(values) - 1, -1, -1):
        value = values[i]
        if value:
            inverses[i] = inverse * prefixes[i] % P
            inverse = inverse * value % P
    return inverses


def _power_p58(x: int) -> int:
    """x^((p-5)/8) = x^(2^252 - 3), by a chain that is a third faster than `pow`."""
    x2 = x * x % P
    x9 = _squares(x2, 2) * x % P
    x11 = x9 * x2 % P
    a5 = x11 * x11 % P * x9 % P  # a_k = x^(2^k - 1)
    a10 = _squares(a5, 5) * a5 % P
    a20 = _squares(a10, 10) * a10 % P
    a40 = _squares(a20, 20) * a20 % P
    a50 = _squares(a40, 10) * a10 % P
    a100 = _squares(a50, 50) * a50 % P
    a200 = _squares(a100, 100) * a100 % P
    a250 = _squares(a200, 50) * a50 % P
    return _squares(a250, 2) * x % P


def _squares(x: int, count: int) -> int:
    """x^(2^count). Two squarings of three are only folded: their results have at most 268 bits, as many words as p."""
    for _ in range(count // 3):
        x *= x
        x = (x & LOW) + 19 * (x >> 255)
        x *= x
        x = (x & LOW) + 19 * (x >> 255)
        x = x * x % P
    for _ in range(count % 3):
        x = x * x % P
    return x
