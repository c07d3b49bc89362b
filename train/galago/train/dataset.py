"""Which pictures there are, what they show, and which of them the model may learn from.

- Labels are the names of the class folders, in alphabetical order.
- A split that is given (`train/ val/ test/`) is used as it is; a part that is missing is taken from
  the training pictures, seeded, with the same share of every class.
- Whether a picture goes to test or val depends on its name and the seed alone, so that adding
  pictures hardly moves the others.

    dataset = scan(Path("images"))
    print(dataset.labels, len(dataset.splits["test"]))
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from galago.bundle.image import is_image
from galago.errors import DataError

SPLITS = ("train", "val", "test")

HELD_OUT_SHARE = 0.15  # of each class, for val and for test, where they are not given

_FOLDER_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """A picture and what it shows; `label` is an index into the dataset's labels."""

    path: Path
    label: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """Pictures by split; `made` names the splits that were taken from the training pictures."""

    root: Path
    labels: tuple[str, ...]
    splits: dict[str, list[Item]]
    made: tuple[str, ...]

    def count(self, split: str) -> dict[str, int]:
        """Number of pictures per label."""
        counts = Counter(item.label for item in self.splits[split])
        return {label: counts[index] for index, label in enumerate(self.labels)}


def scan(root: Path, *, seed: int = 0) -> Dataset:
    """Find the pictures below `root`: `root/label/*.jpg` or `root/train/label/*.jpg` and so on.

    Raises:
        DataError: no pictures, fewer than two classes, or splits with different classes.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder: expected one folder of pictures per class")
    given = {split: folder for split in SPLITS if (folder := _split_folder(root, split))}
    if given and "train" not in given:
        raise DataError(f"{root} has {', '.join(f.name for f in given.values())}/ but no train/")
    found = {split: _classes(folder) for split, folder in (given or {"train": root}).items()}
    labels = _common_labels(root, found)
    splits = {split: _items(classes, labels) for split, classes in found.items()}
    made = tuple(split for split in SPLITS if split not in splits)
    for split in made:
        splits[split], splits["train"] = _take(splits["train"], root, len(made), seed, split)
    return Dataset(root, labels, splits, made)


def _split_folder(root: Path, split: str) -> Path | None:
    return next((root / name for name in _FOLDER_NAMES[split] if (root / name).is_dir()), None)


def _classes(folder: Path) -> dict[str, list[Path]]:
    """Pictures by class; a class folder may have folders of its own."""
    return {
        child.name: pictures
        for child in sorted(folder.iterdir())
        if child.is_dir()
        and not child.name.startswith(".")
        and (pictures := sorted(path for path in child.rglob("*") if is_image(path)))
    }


def _common_labels(root: Path, found: dict[str, dict[str, list[Path]]]) -> tuple[str, ...]:
    """The labels of the training pictures, which every other split must have too."""
    labels = tuple(found["train"])
    if not labels:
        raise DataError(
            f"{root} has no pictures: expected {root.name}/cat/1.jpg, {root.name}/dog/1.jpg … "
            "(JPEG, PNG, BMP or WebP), one folder per class"
        )
    if len(labels) < 2:
        raise DataError(
            f"{root} has one class only ({labels[0]}): a classifier needs two or more; make a "
            "folder of pictures without it, 'empty' for instance"
        )
    for split, classes in found.items():
        if different := sorted(set(classes) ^ set(labels)):
            raise DataError(
                f"{root}: {split}/ and train/ have different classes ({', '.join(different)}): "
                "every split needs every class"
            )
    return labels


def _items(classes: dict[str, list[Path]], labels: tuple[str, ...]) -> list[Item]:
    return [Item(path, index) for index, label in enumerate(labels) for path in classes[label]]


def _take(
    items: list[Item], root: Path, parts: int, seed: int, split: str
) -> tuple[list[Item], list[Item]]:
    """Set aside a share of each class; `parts` is how many splits are made from these pictures."""
    # The second split is taken from what the first has left: ask for more of less.
    share = (
        HELD_OUT_SHARE if split == "val" or parts == 1 else HELD_OUT_SHARE / (1 - HELD_OUT_SHARE)
    )
    order = _shuffled(root, seed, split)
    taken: set[Path] = set()
    for label in {item.label for item in items}:
        paths = sorted((item.path for item in items if item.label == label), key=order)
        n = max(1, round(len(paths) * share))
        if n >= len(paths):
            raise DataError(
                f"{root}: {len(paths)} picture(s) of a class are too few to set some aside for "
                f"{split}: expected 8 or more per class"
            )
        taken.update(paths[:n])
    aside = [item for item in items if item.path in taken]
    return aside, [item for item in items if item.path not in taken]


def _shuffled(root: Path, seed: int, split: str) -> Callable[[Path], bytes]:
    """A sort key that puts paths in random order, the same on every machine."""

    def key(path: Path) -> bytes:
        return hashlib.sha256(
            f"{seed}/{split}/{path.relative_to(root).as_posix()}".encode()
        ).digest()

    return key
