"""Which pictures show the same moment, or are copies of one another, and so belong together.

- Found without looking at labels' meaning: exact copies, copies that were scaled, compressed or
  brightened, frames of one burst.
- Memory and time grow with the number of pictures, not with its square: 60 000 take seconds, and
  ten thousand black frames are no worse.

    pairs = near_pairs(looks)  # (k, 2) indices, first < second
    groups = group(looks, places, given)  # (n,) the same figure where pictures belong together
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from galago.train.data.look import Looks

# Of a class: two groups as large as that leave a third one, for train, val and test.
MAX_GROUP_SHARE = 0.4
BLOCK_SHARE = 0.15  # of a class, the size of what a larger group is cut into

BURST_GAP_S = 60.0  # cameras that wake on motion send frames seconds apart, and then rest

# Measured: copies of photographs at half the size, at JPEG quality 50 or 15 % brighter are found
# with hardly an exception. Of the 1.8 billion pairs among the 60 000 pictures of CIFAR-10, 208 are
# found: nearly all are copies, or the same thing photographed twice.
MAX_HASH_BITS = 6  # of 64
MAX_THUMB_DIFFERENCE = 8.0  # mean difference of the grid's colours, brightness aside
MAX_BRIGHTER = 32.0  # grey levels

_WINDOW = 32  # of pictures that share two bytes of their hash, how many neighbours are compared
_CHUNK = 1 << 16  # pairs looked at in one go

Indices = NDArray[np.int64]


def group(looks: Looks, places: Sequence[Hashable], given: Sequence[str | None]) -> Indices:
    """Which pictures belong together, (n,): the index of the first of its group.

    Args:
        looks: (n,) of LOOK.
        places: where each picture lies and what it shows; one burst has one place.
        given: the groups that a person named; such a picture joins no other group, but for exact
            copies, which always belong together.
    """
    n = len(looks)
    free = np.array([name is None for name in given], np.bool_)
    found = np.concatenate([_bursts(looks, _numbered(places)), near_pairs(looks)])
    numbered = np.where(free, -1 - np.arange(n), _numbered(given))
    edges = np.concatenate(
        [
            found[free[found].all(axis=1)],
            _equal_neighbours(numbered),
            _equal_neighbours(np.unique(looks["digest"], return_inverse=True)[1]),
        ]
    )
    graph = coo_matrix((np.ones(len(edges), np.bool_), (edges[:, 0], edges[:, 1])), shape=(n, n))
    _, component = connected_components(graph, directed=False)
    _, first, member = np.unique(component, return_index=True, return_inverse=True)
    groups: Indices = first[member].astype(np.int64)
    return groups


def cut(
    groups: Indices,
    labels: Sequence[str],
    order: Sequence[tuple[float, str]],
    given: Sequence[str | None],
) -> tuple[Indices, int]:
    """Cut groups that are too large a part of a class into blocks; and how many those were.

    A fixed camera that sends frames all day makes one endless burst. Its blocks follow one another
    by `order` (time taken, then name), so that only pictures at their borders part from neighbours.
    Groups that a person named stay whole.
    """
    of_class = Counter(labels)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for row, index in enumerate(groups.tolist()):
        members[index].append(row)
    result, n_cut = groups.copy(), 0
    for rows in members.values():
        counts = Counter(labels[row] for row in rows)
        share = max(count / of_class[label] for label, count in counts.items())
        if len(rows) == 1 or share <= MAX_GROUP_SHARE or any(given[row] for row in rows):
            continue
        n_cut += 1
        blocks = min(round(share / BLOCK_SHARE), len(rows))
        for label, count in counts.items():
            of_label = sorted((row for row in rows if labels[row] == label), key=order.__getitem__)
            for rank, row in enumerate(of_label):
                # One of its rows is a block's number: no other group has it.
                result[row] = rows[rank * blocks // count]
    return result, n_cut


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


def _numbered(names: Sequence[Hashable]) -> Indices:
    """The same figure for the same name."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def _bursts(looks: Looks, places: Indices) -> Indices:
    """Pairs of pictures that follow one another closely in one place."""
    known = np.flatnonzero(np.isfinite(looks["taken"]))
    order = known[np.lexsort((looks["taken"][known], places[known]))]
    one, other = order[:-1], order[1:]
    close = (places[one] == places[other]) & (
        looks["taken"][other] - looks["taken"][one] <= BURST_GAP_S
    )
    return np.stack([one[close], other[close]], axis=1)


def _equal_neighbours(values: Indices) -> Indices:
    """Pairs that join all rows of equal value."""
    order = np.argsort(values, kind="stable")
    one, other = order[:-1], order[1:]
    same = values[one] == values[other]
    return np.stack([one[same], other[same]], axis=1)


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
