"""Which pictures the model may learn from, and which it is judged by.

- Groups (bursts, copies) never straddle a split; every class is in every split, with the same share
  as nearly as its groups allow.
- Whether a group goes to test or val depends on its name and the seed alone, so that adding
  pictures hardly moves the others.
- Burst mates tell what a split without groups would have claimed: they are held back from training
  while the rest of their burst stays in it.

    splits = divide(labels, groups, names, ("val", "test"), seed=0)
    splits["train"]  # (n,) indices, ascending
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galago.errors import DataError

HELD_OUT_SHARE = 0.15  # of each class, for val and for test, where they are not given
MAX_VAL = (
    300  # of a class: enough to choose an epoch by; what is more teaches better than it judges
)
MATES_SHARE = 0.1  # of a class's training pictures at most: they are lost to training
MIN_MATES = 20  # fewer say too little about accuracy
_BURST = 3  # pictures at least: a mate's burst keeps two in training

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Bundle:
    """Pictures that stay together; `name` is the smallest of theirs."""

    name: str
    rows: list[int]
    counts: Counter[str]


def divide(
    labels: Sequence[str],
    groups: Sequence[int],
    names: Sequence[str],
    made: Sequence[str],
    seed: int,
) -> dict[str, Indices]:
    """Split pictures into train and the splits `made` (of val, test); ascending indices of each.

    Raises:
        DataError: a class has too few pictures, or too few groups, for all splits.
    """
    bundles = _bundles(labels, groups, names)
    splits = {}
    for turn, split in enumerate(made):
        # What is taken later is taken from what is left: more of less.
        share = HELD_OUT_SHARE / (1 - turn * HELD_OUT_SHARE)
        chosen = _choose(bundles, share, split, len(made) - turn, seed)
        splits[split] = _rows(bundle for bundle in bundles if bundle.name in chosen)
        bundles = [bundle for bundle in bundles if bundle.name not in chosen]
    return {"train": _rows(bundles), **splits}


def mates(labels: Sequence[str], groups: Sequence[int], names: Sequence[str], seed: int) -> Indices:
    """Of training pictures, those to hold back: one per burst, ascending indices; maybe none."""
    order = _shuffled(seed, "mates")
    candidates = [
        min(bundle.rows, key=lambda row: order(names[row]))
        for bundle in _bundles(labels, groups, names)
        if len(bundle.rows) >= _BURST
    ]
    held: list[int] = []
    for label, of_class in Counter(labels).items():
        ours = sorted((r for r in candidates if labels[r] == label), key=lambda r: order(names[r]))
        held += ours[: int(MATES_SHARE * of_class)]
    return np.array(sorted(held) if len(held) >= MIN_MATES else [], np.int64)


def sibling_share(groups: Sequence[int], held_out: float) -> float:
    """The share of pictures that would have one of their group in training, were groups ignored.

    `held_out` is the share of pictures outside training: of g - 1 siblings, all are outside with a
    chance of held_out to the power of g - 1.
    """
    sizes = Counter(groups).values()
    return sum(size * (1 - held_out ** (size - 1)) for size in sizes) / max(1, len(groups))


def naive_claim(sibling_share: float, mates_accuracy: float, test_accuracy: float) -> float:
    """The accuracy that a split without groups would have claimed.

    Its test pictures with a sibling in training are judged as burst mates are, the others as ours.
    """
    return sibling_share * mates_accuracy + (1 - sibling_share) * test_accuracy


def _bundles(labels: Sequence[str], groups: Sequence[int], names: Sequence[str]) -> list[_Bundle]:
    of_group: defaultdict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        of_group[group].append(row)
    return [
        _Bundle(min(names[row] for row in rows), rows, Counter(labels[row] for row in rows))
        for rows in of_group.values()
    ]


def _choose(bundles: list[_Bundle], share: float, split: str, still: int, seed: int) -> set[str]:
    """Names of the bundles to set aside; every class keeps `still` bundles for what comes after."""
    total = sum((bundle.counts for bundle in bundles), Counter[str]())
    left = Counter(label for bundle in bundles for label in bundle.counts)
    most = MAX_VAL if split == "val" else max(total.values(), default=0)
    wanted = {label: min(most, max(1, round(n * share))) for label, n in total.items()}
    have: Counter[str] = Counter()
    chosen: set[str] = set()

    def take(bundle: _Bundle) -> None:
        chosen.add(bundle.name)
        have.update(bundle.counts)
        left.subtract(dict.fromkeys(bundle.counts, 1))

    def spared(bundle: _Bundle) -> bool:
        return all(left[label] > still for label in bundle.counts)

    order = _shuffled(seed, split)
    ordered = sorted(bundles, key=lambda bundle: order(bundle.name))
    for bundle in ordered:
        # With it nearer to what is wanted than without it, in every class.
        if spared(bundle) and all(have[c] + n / 2 <= wanted[c] for c, n in bundle.counts.items()):
            take(bundle)
    for label in sorted(total):
        if not have[label]:
            possible = [b for b in ordered if label in b.counts and spared(b)]
            if not possible:
                raise DataError(_too_few(label, total[label], bundles, split))
            take(min(possible, key=lambda bundle: len(bundle.rows)))
    return chosen


def _too_few(label: str, n: int, bundles: list[_Bundle], split: str) -> str:
    ours = sum(label in bundle.counts for bundle in bundles)
    parts = f", in {ours} group(s) of pictures that belong together," if ours < n else ""
    return (
        f"{n} picture(s) of {label}{parts} are too few to set some aside for {split}: expected 8 "
        "or more per class"
    )


def _rows(bundles: Iterable[_Bundle]) -> Indices:
    return np.array(sorted(row for bundle in bundles for row in bundle.rows), np.int64)


def _shuffled(seed: int, purpose: str) -> Callable[[str], bytes]:
    """A sort key that puts names in random order, the same on every machine."""

    def key(name: str) -> bytes:
        return hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).digest()

    return key
