"""Which pictures show the same moment, or are copies of one another, and so belong together.

- Found without looking at labels' meaning: exact copies, copies that were scaled, compressed or
  brightened, frames of one burst.
- Memory and time grow with the number of pictures, not with its square: 60 000 take seconds, and
  ten thousand black frames are no worse.

    pairs = near_pairs(looks)  # (k, 2) indices, first < second
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from galago.train.data.look import Looks

BURST_GAP_S = 60.0  # cameras that wake on motion send frames seconds apart, and then rest

# Measured: copies of photographs at half the size, at JPEG quality 50 or 15 % brighter are found
# with hardly an exception. Of the 1.8 billion pairs among the 60 000 pictures of CIFAR-10, 208 are
# found: nearly all are copies, or the same thing photographed twice.
MAX_HASH_BITS = 6  # of 64
MAX_THUMB_DIFFERENCE = 8.0  # mean difference of the grid's colours, brightness aside
MAX_BRIGHTER = 32.0  # grey levels

_WINDOW = 64  # of pictures that share two bytes of their hash, how many neighbours are compared
_CHUNK = 1 << 16  # pairs looked at in one go

Indices = NDArray[np.int64]


def near_pairs(looks: Looks) -> Indices:
    """Pairs that show the same view, (k, 2) indices, first < second, in ascending order.

    Two pictures known to be taken further apart than a burst are no pair: before a fixed camera
    every day looks alike. Where very many look alike (black frames), each is paired with some of
    the others and not with all; they still hang together.
    """
    readable = np.flatnonzero(looks["readable"])
    pairs = readable[_hash_pairs(looks["hash"][readable])]
    parts = np.array_split(pairs, len(pairs) // _CHUNK + 1)
    return np.concatenate([part[_alike(looks, part)] for part in parts])


def _hash_pairs(hashes: NDArray[np.uint64]) -> Indices:
    """Pairs whose hashes differ in few bits.

    Six bits that differ leave two of the eight bytes alike: whoever shares two bytes is a neighbour
    once the pictures are sorted by them.
    """
    octets = hashes[:, None].view(np.uint8)  # (n, 8)
    found = np.zeros(0, np.int64)
    for one, other in combinations(range(8), 2):
        key = octets[:, one].astype(np.int32) << 8 | octets[:, other]
        order = np.lexsort((hashes, key))
        found = np.sort(np.append(found, _neighbours(hashes[order], key[order], order)))
        found = found[np.diff(found, prepend=-1) > 0]  # each once; np.unique is 10 times slower
    return np.stack(np.divmod(found, max(1, len(hashes))), axis=1)


def _neighbours(hashes: NDArray[np.uint64], key: NDArray[np.int32], order: Indices) -> Indices:
    """Close pairs among sorted pictures with the same key, each as first * n + second."""
    n = len(key)
    found = []
    for step in range(1, min(_WINDOW, n)):
        at = np.flatnonzero(key[step:] == key[:-step])
        if not len(at):
            break
        at = at[_bits(hashes[at] ^ hashes[at + step]) <= MAX_HASH_BITS]
        first, second = order[at], order[at + step]
        found.append(np.minimum(first, second) * n + np.maximum(first, second))
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _bits(words: NDArray[np.uint64]) -> Indices:
    """How many bits are set in each; numpy 1 has no bitwise_count."""
    bits: Indices = np.unpackbits(words[:, None].view(np.uint8), axis=1).sum(1, dtype=np.int64)
    return bits


def _alike(looks: Looks, pairs: Indices) -> NDArray[np.bool_]:
    """Of pairs with close hashes, those whose colours agree too and whose times do not object."""
    first, second = looks[pairs[:, 0]], looks[pairs[:, 1]]
    difference = (first["thumb"].astype(np.float32) - second["thumb"]).reshape(len(pairs), 192)
    brighter = difference.mean(axis=1, keepdims=True)
    alike: NDArray[np.bool_] = (
        (np.abs(difference - brighter).mean(axis=1) <= MAX_THUMB_DIFFERENCE)
        & (np.abs(brighter[:, 0]) <= MAX_BRIGHTER)
        # Not "<= BURST_GAP_S": where a time is unknown, the comparison is False.
        & ~(np.abs(first["taken"] - second["taken"]) > BURST_GAP_S)
    )
    return alike
