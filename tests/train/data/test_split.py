"""Splits are honest whatever the data is like."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
import pytest

from galago.errors import DataError
from galago.train.data.split import (
    HELD_OUT_SHARE,
    MATES_SHARE,
    divide,
    mates,
    naive_claim,
    sibling_share,
)

MADE = ("val", "test")
Pool = tuple[list[str], list[int], list[str]]


def pool(*sizes: tuple[str, int], each: int = 1) -> Pool:
    """Labels, groups and names: so many pictures of each class, `each` to a group."""
    labels = [label for label, n in sizes for _ in range(n)]
    names = [f"{label}/{row}.jpg" for row, label in enumerate(labels)]
    groups, counts = [], Counter[str]()
    for row, label in enumerate(labels):
        groups.append(row - counts[label] % each)
        counts[label] += 1
    return labels, groups, names


def random_pools(n: int) -> Iterator[tuple[int, Pool]]:
    """Classes of all sizes, groups of all sizes, some of which hold several classes."""
    for seed in range(n):
        random = np.random.default_rng(seed)
        sizes = [(f"c{k}", int(random.integers(8, 150))) for k in range(random.integers(2, 6))]
        labels, groups, names = pool(*sizes, each=int(random.integers(1, 4)))
        for row in random.choice(len(labels), len(labels) // 20, replace=False):
            groups[row] = groups[random.integers(len(labels))]  # a copy under another label
        yield seed, (labels, groups, names)


def test_whatever_the_data_splits_are_honest() -> None:
    """Every picture once, no group in two splits, every class in all, the seed decides alone."""
    for seed, (labels, groups, names) in random_pools(150):
        splits = divide(labels, groups, names, MADE, seed)
        everything = sorted(np.concatenate(list(splits.values())).tolist())
        assert everything == list(range(len(labels)))
        homes = defaultdict(set)
        for split, rows in splits.items():
            assert {labels[row] for row in rows} == set(labels), (seed, split)
            assert (np.diff(rows) > 0).all()
            for row in rows:
                homes[groups[row]].add(split)
        assert all(len(where) == 1 for where in homes.values()), seed
        again = divide(labels, groups, names, MADE, seed)
        assert all((splits[split] == again[split]).all() for split in splits)


def test_shares_are_kept_per_class() -> None:
    """As nearly as whole groups allow: within half a group, and one picture for rounding."""
    for each in (1, 2, 3, 5, 25):
        labels, groups, names = pool(("a", 400), ("b", 480), each=each)
        splits = divide(labels, groups, names, MADE, seed=1)
        for split in MADE:
            counts = Counter(labels[row] for row in splits[split])
            for label, n in (("a", 400), ("b", 480)):
                assert abs(counts[label] - HELD_OUT_SHARE * n) <= each / 2 + 1


def test_another_seed_is_another_split() -> None:
    """So that luck can be told from skill."""
    one, other = (divide(*pool(("a", 50), ("b", 50)), MADE, seed)["test"] for seed in (3, 4))
    assert one.tolist() != other.tolist()


@pytest.mark.parametrize("each", [1, 4])
def test_more_pictures_hardly_move_the_others(each: int) -> None:
    """A test picture stays a test picture while the dataset grows."""
    labels, groups, names = pool(("a", 200), ("b", 200), each=each)
    before = divide(labels, groups, names, MADE, seed=0)
    grown = ([*labels, "a", "b"], [*groups, 900, 901], [*names, "a/new1.jpg", "b/new2.jpg"])
    after = divide(*grown, MADE, seed=0)
    for split in MADE:
        kept = set(before[split].tolist()) & set(after[split].tolist())
        assert len(kept) >= len(before[split]) - 2 * each


def test_a_burst_that_grows_stays_where_it_is() -> None:
    """It is known by the smallest of its names."""
    labels, groups, names = pool(("a", 90), ("b", 90), each=3)
    test = divide(labels, groups, names, MADE, seed=0)["test"]
    row = int(test[0])
    grown = ([*labels, labels[row]], [*groups, groups[row]], [*names, "z/last.jpg"])
    assert len(labels) in divide(*grown, MADE, seed=0)["test"]


def test_three_pictures_of_a_class_are_enough_and_two_are_not() -> None:
    """One for each split; the error names the class."""
    splits = divide(*pool(("a", 3), ("b", 9)), MADE, seed=0)
    assert {split: len(rows) for split, rows in splits.items()} == {"train": 8, "val": 2, "test": 2}
    with pytest.raises(DataError, match=r"2 picture\(s\) of a are too few to set some aside"):
        divide(*pool(("a", 2), ("b", 9)), MADE, seed=0)
    with pytest.raises(DataError, match=r"12 picture\(s\) of a, in 2 group\(s\) of pictures that"):
        divide(*pool(("a", 12), ("b", 60), each=6), MADE, seed=0)


def test_only_what_is_missing_is_made() -> None:
    """Val alone takes its share of everything."""
    splits = divide(*pool(("a", 100), ("b", 100)), ("val",), seed=0)
    assert {split: len(rows) for split, rows in splits.items()} == {"train": 170, "val": 30}


def test_mates_leave_most_of_their_burst_in_training() -> None:
    """One to a burst of three or more, a tenth of a class at most, always the same ones."""
    labels, groups, names = pool(("a", 300), ("b", 300), each=3)
    held = mates(labels, groups, names, seed=0)
    assert Counter(labels[row] for row in held) == {"a": MATES_SHARE * 300, "b": MATES_SHARE * 300}
    assert max(Counter(groups[row] for row in held).values()) == 1
    assert held.tolist() == mates(labels, groups, names, seed=0).tolist()


@pytest.mark.parametrize(("n", "each"), [(600, 1), (600, 2), (150, 3), (57, 3)])
def test_without_bursts_or_with_few_pictures_none_is_held_back(n: int, each: int) -> None:
    """Fewer than twenty tell nothing and are better learnt from."""
    held = mates(*pool(("a", n // 2), ("b", n // 2), each=each), seed=0)
    assert len(held) == 0


def test_the_naive_claim_is_what_a_naive_split_measures() -> None:
    """Played through: a network that knows bursts by heart, 50 % right on any other picture."""
    _, groups, _ = pool(("a", 900), each=3)
    groups += range(10_000, 10_300)  # and 300 pictures alone
    random = np.random.default_rng(0)
    claims = []
    for _ in range(20):
        train = random.permutation(len(groups)) >= 0.3 * len(groups)
        known = {groups[row] for row in np.flatnonzero(train)}
        claims.append(
            np.mean([1.0 if groups[row] in known else 0.5 for row in np.flatnonzero(~train)])
        )
    claim = naive_claim(sibling_share(groups, 0.3), mates_accuracy=1.0, test_accuracy=0.5)
    assert claim == pytest.approx(np.mean(claims), abs=0.01)
    assert sibling_share(list(range(50)), 0.3) == 0.0
