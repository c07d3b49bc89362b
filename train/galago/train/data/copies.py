"""Which pictures are copies of one another, and what that spoils.

- One finding per extra file, however many copies there are: never n² pairs.
- One of a set is kept: of the label that most have, with a time rather than without,
  amid its burst, from train before val and test.
- Frames of one burst are no copies while they share class and split. Across classes they are only
  where even the smallest part of the view is still: an animal may have come in between.

    for copy in find_copies(looks, labels, splits, pixels, near_pairs(looks)):
        print(copy.row, "is a copy of", copy.of)
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from galago.bundle.preprocess import Pixels
from galago.train.data.groups import BURST_GAP_S
from galago.train.data.look import Looks
from galago.train.data.source import SPLITS

# Largest mean difference of any 8 × 8 block of 64 × 64 pixels, brightness aside. Measured: 99 % of
# photographs at half the size, at JPEG quality 50 or 15 % brighter stay below the first; of the
# drawn feeder's birds 95 % move by more than the second between two frames of a burst.
SAME_VIEW = 20.0
STILL = 8.0
# And what no two copies of CIFAR-10 that we looked at reach; two aeroplanes in the same sky do.
ANOTHER_VIEW = 80.0
VOTERS = 3  # pictures of the same view that must agree before they outvote a label

_ASKED = 8  # of the voters, for how much they differ
_BLOCK = 8

Indices = NDArray[np.int64]


class Spoils(IntEnum):
    """What a copy does to the figures, mildest first."""

    NOTHING = 0
    SPLITS = 1  # learnt and tested
    CLASSES = 2  # one of two labels is wrong


@dataclass(frozen=True, slots=True)
class Copy:
    """`row` shows what `of` shows already; `exact` says byte for byte."""

    row: int
    of: int
    exact: bool
    spoils: Spoils


@dataclass(frozen=True, slots=True)
class Outvoted:
    """`row` has another label than `voters`, which all show the same view and agree."""

    row: int
    voters: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Pair:
    rows: tuple[int, int]
    difference: float  # of the most different part; 0 for frames of one burst and label
    burst: bool  # taken at two moments


def find_copies(
    looks: Looks, labels: Indices, splits: Indices, pixels: Pixels, pairs: Indices
) -> tuple[list[Copy], list[Outvoted]]:
    """Judge exact copies, then pictures that show the same view.

    Convention: `labels` and `splits` (n,) indices, splits in the order train, val, test; `pixels`
    (n, 64, 64, 3) uint8; `pairs` (k, 2) of near_pairs. Rows to be left out have no part in `pairs`
    and are not readable.
    """
    support = _support(pairs, labels * len(SPLITS) + splits)
    exact, head = _exact(looks, labels, splits, support)
    near = [_judge(rows, looks, labels, pixels) for rows in _between_heads(pairs, head, looks)]
    near = [pair for pair in near if pair.burst or pair.difference < ANOTHER_VIEW]
    outvoted = _outvoted(near, looks, labels, pixels)
    known = {vote.row for vote in outvoted}
    return exact + _near(near, looks, labels, splits, known), outvoted


def _support(pairs: Indices, places: Indices) -> Indices:
    """Of each row, how many that show the same view are in the same class and split."""
    agreeing = pairs[places[pairs[:, 0]] == places[pairs[:, 1]]]
    return np.bincount(agreeing.ravel(), minlength=len(places))


def _exact(
    looks: Looks, labels: Indices, splits: Indices, support: Indices
) -> tuple[list[Copy], Indices]:
    """Byte-for-byte copies, and for each row the one that stands for it."""
    sets: dict[bytes, list[int]] = defaultdict(list)
    for row in np.flatnonzero(looks["readable"]).tolist():
        sets[looks["digest"][row]].append(row)
    head = np.arange(len(looks))
    copies = []
    for rows in sets.values():
        votes = Counter(int(labels[row]) for row in rows)
        rank = {
            row: (
                -votes[int(labels[row])],
                bool(np.isnan(looks["taken"][row])),
                -int(support[row]),
                int(splits[row]),
                row,
            )
            for row in rows
        }
        first, *others = sorted(rows, key=rank.__getitem__)
        for row in others:
            head[row] = first
            copies.append(Copy(row, first, exact=True, spoils=_spoils(row, first, labels, splits)))
    return copies, head


def _spoils(row: int, of: int, labels: Indices, splits: Indices) -> Spoils:
    if labels[row] != labels[of]:
        return Spoils.CLASSES
    return Spoils.SPLITS if splits[row] != splits[of] else Spoils.NOTHING


def _between_heads(pairs: Indices, head: Indices, looks: Looks) -> Iterable[tuple[int, int]]:
    mapped = np.sort(head[pairs], axis=1)
    mapped = np.unique(mapped[mapped[:, 0] != mapped[:, 1]], axis=0)
    # A copy may not know when it was taken, but its head does.
    taken = looks["taken"][mapped]
    mapped = mapped[~(np.abs(taken[:, 0] - taken[:, 1]) > BURST_GAP_S)]
    return ((int(a), int(b)) for a, b in mapped)


def _judge(rows: tuple[int, int], looks: Looks, labels: Indices, pixels: Pixels) -> _Pair:
    a, b = rows
    # Comparing with NaN is False: a burst is known from two times only.
    burst = bool(np.abs(looks["taken"][a] - looks["taken"][b]) > 0)
    asked = not burst or not _same(rows, labels)
    return _Pair(rows, largest_difference(pixels[a], pixels[b]) if asked else 0.0, burst)


def largest_difference(one: Pixels, other: Pixels) -> float:
    """Mean difference of the most different 8 × 8 block, brightness aside, in grey levels."""
    apart = one.astype(np.float32) - other
    apart -= apart.mean(axis=(0, 1))
    blocks = cv2.blur(np.abs(apart).mean(axis=2), (_BLOCK, _BLOCK))
    inner = slice(_BLOCK // 2, -_BLOCK // 2)
    return float(blocks[inner, inner].max())


def _outvoted(pairs: list[_Pair], looks: Looks, labels: Indices, pixels: Pixels) -> list[Outvoted]:
    """Rows that no picture of the same view agrees with, while those agree among themselves."""
    neighbours: dict[int, list[int]] = defaultdict(list)
    for pair in pairs:
        for row, other in (pair.rows, pair.rows[::-1]):
            neighbours[row].append(other)
    return [
        Outvoted(row, tuple(voters))
        for row, voters in sorted(neighbours.items())
        if len(voters) >= VOTERS
        and len({int(labels[voter]) for voter in voters}) == 1
        and labels[voters[0]] != labels[row]
        and _surrounded(looks["taken"][row], looks["taken"][voters])
        and _fits(pixels[row], pixels[voters[:_ASKED]])
    ]


def _surrounded(taken: float, voters: NDArray[np.float64]) -> bool:
    """False for a frame at the edge of its burst: the animal may just have come or gone."""
    return not (taken < np.min(voters) or taken > np.max(voters))


def _fits(one: Pixels, others: Pixels) -> bool:
    """Whether a picture differs from most others no more than some two of them do.

    Wind and rain move every part of a view; an animal that has come stands out from that.
    """
    apart = float(np.median([largest_difference(one, other) for other in others]))
    among = max(largest_difference(a, b) for a, b in combinations(others, 2))
    return apart <= max(STILL, among)


def _near(
    pairs: list[_Pair], looks: Looks, labels: Indices, splits: Indices, known: set[int]
) -> list[Copy]:
    """The worst that each row is part of, told once, of the row that should go."""
    alike = Counter(row for pair in pairs for row in pair.rows if _same(pair.rows, labels))
    timeless = np.isnan(looks["taken"])
    found: dict[int, Copy] = {}
    for pair in pairs:
        # Before a fixed camera, who does not know its time looks like every day: one problem.
        # Later splits come second; between labels, whoever fewer pictures agree with.
        of, row = sorted(pair.rows, key=lambda row: (timeless[row], splits[row], row))
        spoils = _near_spoils(pair, labels, splits)
        if spoils is Spoils.CLASSES and alike[row] > alike[of]:
            of, row = row, of
        if spoils is None or row in known or (spoils is Spoils.CLASSES and of in known):
            continue
        if row not in found or spoils > found[row].spoils:
            found[row] = Copy(row, of, exact=False, spoils=spoils)
    return [found[row] for row in sorted(found)]


def _near_spoils(pair: _Pair, labels: Indices, splits: Indices) -> Spoils | None:
    limit = STILL if pair.burst else SAME_VIEW
    if not _same(pair.rows, labels) and pair.difference <= limit:
        return Spoils.CLASSES
    if not _same(pair.rows, splits):
        return Spoils.SPLITS
    return Spoils.NOTHING if _same(pair.rows, labels) and not pair.burst else None


def _same(rows: tuple[int, int], values: Indices) -> bool:
    return bool(values[rows[0]] == values[rows[1]])
