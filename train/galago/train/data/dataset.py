"""A dataset that is ready to learn from: pictures found, prepared, and split honestly.

- Labels are in alphabetical order.
- A split that is given is used as it is; a part that is missing is taken from the training
  pictures, seeded, with the same share of every class; bursts and copies never straddle it.
- Unreadable pictures are left out before that, and named.

    dataset = Dataset.open(Path("images"), PreprocessSpec(160, 160))
    dataset.splits["train"][:32]  # (32, 160, 160, 3) uint8 RGB
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galago.bundle.preprocess import PreprocessSpec
from galago.errors import DataError
from galago.progress import say
from galago.train.data.cache import Prepared, prepare
from galago.train.data.groups import Indices, cut, group
from galago.train.data.images import Images
from galago.train.data.look import Looks
from galago.train.data.source import SPLIT_OF, SPLITS, Listing, find
from galago.train.data.split import divide, mates, sibling_share

MAX_UNREADABLE = 0.05  # a few broken files are normal; more means a broken copy
MATES = "mates"  # training pictures held back, whose burst is learnt from

__all__ = ["MATES", "MAX_UNREADABLE", "SPLITS", "Dataset"]


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Prepared pictures by split.

    Convention: `entries` (of the listing), `looks` and `groups` go with the rows of the store that
    all splits share: `splits["val"].rows` are indices into them. `groups` is the same figure for
    pictures that stay together, -1 for unreadable ones.

    Fields:
        listing: what was found: `data` as it was named, `root`, `entries`, `ignored`.
        labels: the classes, in alphabetical order.
        splits: train, val, test, and mates, which may be empty.
        made: the splits that were taken from the training pictures.
        unreadable: files left out.
        cut: how many groups were too large a part of their class to stay whole.
        sibling_share: the share of pictures to which a naive split would have left a sibling in
            training; 0 where no split was made.
    """

    listing: Listing
    labels: tuple[str, ...]
    splits: dict[str, Images]
    made: tuple[str, ...]
    unreadable: tuple[Path, ...]
    looks: Looks
    groups: Indices
    cut: int
    sibling_share: float

    @staticmethod
    def open(  # noqa: PLR0913 - what a user may choose, each by its name
        data: Path | Listing,
        spec: PreprocessSpec,
        *,
        seed: int = 0,
        grouped: bool = True,
        max_unreadable: float = MAX_UNREADABLE,
        what: str = "pictures",
    ) -> "Dataset":
        """Find, prepare and split the pictures of a folder, a CSV manifest or a zip.

        Args:
            data: what galago.train.data.source finds, or has found.
            spec: how pictures become the network's input.
            seed: of a split that is made.
            grouped: False splits as if no picture had siblings, and holds no mates back.
            max_unreadable: the share (0–1) of pictures that may be left out.
            what: what to call them in progress and messages.

        Raises:
            DataError: the pictures cannot serve: see `find`, `prepare` and `divide`.
            OSError: a file vanished, or the cache cannot be written.
        """
        listing = data if isinstance(data, Listing) else find(data)
        _tell(listing)
        prepared = prepare([entry.path for entry in listing.entries], spec, what)
        unreadable = _leave_out(listing, prepared.looks, max_unreadable, what)
        return _split(listing, prepared, unreadable, seed=seed, grouped=grouped)

    @property
    def data(self) -> Path:
        """The folder, CSV or zip, as it was named."""
        return self.listing.data

    def count(self, split: str) -> dict[str, int]:
        """Number of pictures per label."""
        counts = Counter(self.splits[split].labels.tolist())
        return {label: counts[index] for index, label in enumerate(self.labels)}

    @property
    def all(self) -> Images:
        """The pictures of every split."""
        parts = self.splits.values()
        return Images(
            self.splits["train"].store,
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.labels for part in parts]),
            tuple(path for part in parts for path in part.paths),
        )

    @property
    def fingerprint(self) -> str:
        """Digest of the training pictures' files and labels: did two runs learn from the same?"""
        train = self.splits["train"]
        digest = hashlib.sha256(self.looks["digest"][train.rows].tobytes())
        digest.update(train.labels.tobytes())
        return digest.hexdigest()


def _tell(listing: Listing) -> None:
    """What a person may not expect of how their data is read."""
    if listing.manifest not in {None, listing.data}:
        say(f"Labels come from {listing.manifest}")
    if listing.ignored:
        say(
            f"ignored, not JPEG, PNG, BMP or WebP: {len(listing.ignored)} file(s), the first "
            f"{listing.ignored[0]}"
        )


def _leave_out(listing: Listing, looks: Looks, limit: float, what: str) -> tuple[Path, ...]:
    paths = [entry.path for entry in listing.entries]
    unreadable = tuple(paths[row] for row in np.flatnonzero(~looks["readable"]))
    for path in unreadable:
        say(f"left out, cannot be read as an image: {path}")
    if len(unreadable) > limit * len(paths) or len(unreadable) == len(paths):
        raise DataError(
            f"{len(unreadable)} of {len(paths)} {what} cannot be read (the first: {unreadable[0]}):"
            f" at most {limit:.0%} may be left out; mend or remove them, or raise --max-unreadable"
        )
    return unreadable


def _split(
    listing: Listing,
    prepared: Prepared,
    unreadable: tuple[Path, ...],
    *,
    seed: int,
    grouped: bool,
) -> Dataset:
    looks, labels = prepared.looks, listing.labels
    of_split = [entry.split or "train" for entry in listing.entries]
    readable = np.flatnonzero(looks["readable"])
    rows = {split: readable[[of_split[row] == split for row in readable]] for split in SPLITS}
    made = tuple(split for split in SPLITS if split not in of_split)
    groups, n_cut = np.full(len(looks), -1, np.int64), 0
    groups[readable] = readable
    if grouped:
        groups[readable] = readable[_group(listing, readable, looks)]
        if made:
            groups[rows["train"]], n_cut = _cut(listing, rows["train"], groups, looks)
    share = 0.0
    if made:
        pool = rows["train"]
        rows |= _divide(listing, pool, groups, made, seed)
        share = sibling_share(groups[pool].tolist(), sum(len(rows[s]) for s in made) / len(pool))
    rows[MATES] = np.zeros(0, np.int64)
    if grouped and "test" in made:
        rows[MATES] = _mates(listing, rows["train"], groups, seed)
        rows["train"] = np.setdiff1d(rows["train"], rows[MATES])
    _check_whole(listing, rows)
    images = {split: _images(listing, prepared, part) for split, part in rows.items()}
    return Dataset(listing, labels, images, made, unreadable, looks, groups, n_cut, share)


def _images(listing: Listing, prepared: Prepared, rows: Indices) -> Images:
    entries = [listing.entries[row] for row in rows]
    index = {label: number for number, label in enumerate(listing.labels)}
    labels = np.array([index[entry.label] for entry in entries], np.int64)
    return Images(prepared.pixels, rows, labels, tuple(entry.path for entry in entries))


def _group(listing: Listing, rows: Indices, looks: Looks) -> Indices:
    """The groups of the pictures `rows`, as indices into these."""
    places = [(listing.entries[row].label, _place(listing.names[row])) for row in rows]
    return group(looks[rows], places, [listing.entries[row].group for row in rows])


def _place(name: str) -> tuple[str, ...]:
    """The folder of a picture, the same in every split."""
    return tuple(part for part in name.split("/")[:-1] if part not in SPLIT_OF)


def _cut(listing: Listing, rows: Indices, groups: Indices, looks: Looks) -> tuple[Indices, int]:
    taken = np.nan_to_num(looks["taken"][rows]).tolist()
    return cut(
        groups[rows],
        [listing.entries[row].label for row in rows],
        [(time, listing.names[row]) for time, row in zip(taken, rows, strict=True)],
        [listing.entries[row].group for row in rows],
    )


def _divide(
    listing: Listing, pool: Indices, groups: Indices, made: tuple[str, ...], seed: int
) -> dict[str, Indices]:
    """Rows of train and of the splits made from it."""
    try:
        parts = divide(*_facts(listing, pool, groups), made, seed)
    except DataError as error:
        raise DataError(f"{listing.data}: {error}") from error
    return {split: pool[part] for split, part in parts.items()}


def _mates(listing: Listing, rows: Indices, groups: Indices, seed: int) -> Indices:
    return rows[mates(*_facts(listing, rows, groups), seed)]


def _facts(
    listing: Listing, rows: Indices, groups: Indices
) -> tuple[list[str], list[int], list[str]]:
    """Label, group and name of each picture."""
    return (
        [listing.entries[row].label for row in rows],
        groups[rows].tolist(),
        [listing.names[row] for row in rows],
    )


def _check_whole(listing: Listing, rows: dict[str, Indices]) -> None:
    """Every class in every split, even without the unreadable pictures."""
    for split in SPLITS:
        present = {listing.entries[row].label for row in rows[split]}
        if lost := [label for label in listing.labels if label not in present]:
            raise DataError(
                f"{listing.data}: no picture of {', '.join(lost)} in {split} can be read: every "
                "split needs every class"
            )
