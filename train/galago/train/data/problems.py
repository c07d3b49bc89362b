"""What is wrong with a dataset, judged from what one look at each file told.

- A file is named once for each reason; a set of copies once for each file too many.
- Every problem says in one sentence what is wrong and what to do.
- Nothing is opened, changed or printed here.

    for problem in problems(seen):
        print(problem.kind, problem.path, problem.text)
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galago.bundle.preprocess import Pixels
from galago.train.data import formats
from galago.train.data.copies import Copy, Outvoted, Spoils, find_copies
from galago.train.data.groups import near_pairs
from galago.train.data.look import Looks
from galago.train.data.source import SPLITS, Entry, Listing
from galago.train.data.suspicious import contradicted

# Worst first: what costs pictures or makes every later figure untrue, then what merely costs.
SERIOUS = (
    "duplicate-across-classes",
    "duplicate-across-splits",
    "suspicious-label",
    "unreadable",
    "truncated",
    "unsupported",
    "unlabelled",
    "few-pictures",
)
KINDS = (
    *SERIOUS,
    "imbalance",
    "tiny",
    "flat",
    "duplicate",
    "near-duplicate",
    "wrong-extension",
)

MIN_SIDE = 16  # pixels: less than half of what the smallest usual network takes
FLAT_RANGE = 12  # grey levels; the flattest of 14 000 photographs has 67
MAX_RATIO = 10  # from here on, never saying the rare class is right nine times in ten
FEW_TRAINING = 20  # of a class, before val and test are set aside, if they are
FEW_HELD_OUT = 10  # of a class: one picture more or less is ten points of its recall

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one file, or with one class: then `path` is its folder.

    `others` are the files it is wrong together with, copies for instance.
    """

    kind: str
    path: str
    text: str
    others: tuple[str, ...] = ()

    @property
    def serious(self) -> bool:
        """Whether it costs pictures or makes figures untrue."""
        return self.kind in SERIOUS


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is known of a dataset's files.

    Convention: `looks` (n,) and `pixels` (n, 64, 64, 3) uint8 RGB go with `listing.entries`, as do
    `formats`, what the contents' first bytes say, `cut_off`, whether their end is missing, and
    `groups` (n,), equal within a burst.
    `ignored` are files that Galago does not read, with the format that they have; `strays` are
    pictures in no class's folder.
    """

    listing: Listing
    looks: Looks
    pixels: Pixels
    formats: Sequence[str | None]
    cut_off: Sequence[bool]
    groups: NDArray[np.int64]
    ignored: Sequence[tuple[Path, str | None]] = ()
    strays: Sequence[Path] = ()

    def name(self, row: int) -> str:
        """How a message calls a picture."""
        return self.listing.names[row]

    def path(self, row: int) -> str:
        """Where it lies."""
        return str(self.listing.entries[row].path)


def problems(seen: Seen) -> list[Problem]:
    """Everything that is wrong, worst kind first, then by path."""
    tiny, flat = _tiny(seen.looks), _flat(seen)
    sound = seen.looks["readable"] & ~tiny & ~flat
    found = [
        *_of_files(seen, tiny, flat),
        *_left_aside(seen),
        *_of_copies_and_labels(seen, sound),
        *_of_classes(seen),
    ]
    return sorted(found, key=lambda problem: (KINDS.index(problem.kind), problem.path))


# Files


def _tiny(looks: Looks) -> Mask:
    small: Mask = looks["readable"] & (np.minimum(looks["height"], looks["width"]) < MIN_SIDE)
    return small


def _flat(seen: Seen) -> Mask:
    """Readable pictures without anything in them; tiny ones have been named for that."""
    candidates = np.flatnonzero(seen.looks["readable"] & ~_tiny(seen.looks))
    # The thumb first: it spares reading every picture.
    thumbs = seen.looks["thumb"][candidates].reshape(len(candidates), -1, 3)
    close = candidates[np.ptp(thumbs, axis=1).max(axis=1, initial=0) <= FLAT_RANGE]
    flat = np.zeros(len(seen.looks), np.bool_)
    for row in close:
        flat[row] = np.ptp(seen.pixels[row].reshape(-1, 3), axis=0).max() <= FLAT_RANGE
    return flat


def _of_files(seen: Seen, tiny: Mask, flat: Mask) -> Iterator[Problem]:
    for row, entry in enumerate(seen.listing.entries):
        path, is_format = seen.path(row), seen.formats[row]
        if not seen.looks["readable"][row]:
            why = _why_unreadable(entry.path, is_format, cut_off=seen.cut_off[row])
            yield Problem("unreadable", path, why)
            continue
        if seen.cut_off[row]:
            yield Problem(
                "truncated",
                path,
                "is cut off, so that part of it is grey: copy it again from where it came, or "
                "remove it",
            )
        said = formats.BY_SUFFIX.get(entry.path.suffix.lower())
        if is_format and is_format != said:
            yield Problem(
                "wrong-extension",
                path,
                f"is {is_format} but is called {entry.path.suffix}: rename it, other programs "
                "refuse it",
            )
        if tiny[row]:
            height, width = seen.looks["height"][row], seen.looks["width"][row]
            yield Problem(
                "tiny",
                path,
                f"is {width} × {height} pixels, too small to show anything: expected {MIN_SIDE} or "
                "more on the shorter side; remove it, or find the original",
            )
        if flat[row]:
            yield Problem("flat", path, "shows one colour and nothing else: remove it")


def _why_unreadable(path: Path, is_format: str | None, *, cut_off: bool) -> str:
    if is_format and is_format != formats.BY_SUFFIX.get(path.suffix.lower()):
        return f"is {is_format} inside, which Galago does not read: save it as JPEG"
    if is_format:
        fault = "cut off" if cut_off else "damaged"
        return f"is {is_format}, but {fault}: copy it again from where it came, or remove it"
    return "is empty or no picture: copy it again from where it came, or remove it"


def _left_aside(seen: Seen) -> Iterator[Problem]:
    for path, is_format in seen.ignored:
        if is_format or path.suffix.lower() in formats.UNREAD_SUFFIXES:
            yield Problem(
                "unsupported",
                str(path),
                f"is {is_format or path.suffix} and is left out: save it as .jpg or .png",
            )
    for path in seen.strays:
        yield Problem(
            "unlabelled",
            str(path),
            "lies in no class's folder and is left out: move it into one, or remove it",
        )


# Copies and labels


def _of_copies_and_labels(seen: Seen, sound: Mask) -> Iterator[Problem]:
    entries, names = seen.listing.entries, seen.listing.labels
    labels = np.array([names.index(entry.label) for entry in entries], np.int64)
    splits = np.array([SPLITS.index(entry.split or "train") for entry in entries], np.int64)
    looks = seen.looks.copy()
    looks["readable"] &= sound
    copies, outvoted = find_copies(looks, labels, splits, seen.pixels, near_pairs(looks))
    yield from (_copy(seen, copy) for copy in copies)
    yield from (_outvoted(seen, vote) for vote in outvoted)
    # Who is known to be a copy under two labels needs no second accuser.
    accused = {vote.row for vote in outvoted}
    for copy in copies:
        if copy.spoils is Spoils.CLASSES:
            accused |= {copy.row, copy.of}
    rows = np.flatnonzero(sound)
    for index, label in contradicted(seen.pixels[rows], labels[rows], seen.groups[rows]):
        row = int(rows[index])
        if row not in accused:
            yield _contradicted(seen, row, names[label])


def _copy(seen: Seen, copy: Copy) -> Problem:
    entry, other = seen.listing.entries[copy.row], seen.listing.entries[copy.of]
    same = "is the same file as" if copy.exact else "shows the same as"
    start = f"{same} {seen.name(copy.of)}"
    others = (seen.path(copy.of),)
    path = seen.path(copy.row)
    if copy.spoils is Spoils.CLASSES:
        text = f"{start}, but is labelled {entry.label} and not {other.label}: one label is wrong"
        return Problem("duplicate-across-classes", path, text, others)
    if copy.spoils is Spoils.SPLITS:
        text = (
            f"{start}, which is in {other.split}: keep both in one split, or the figures will be "
            "too good"
        )
        return Problem("duplicate-across-splits", path, text, others)
    kind = "duplicate" if copy.exact else "near-duplicate"
    return Problem(kind, path, f"{start}: one of them is enough", others)


def _outvoted(seen: Seen, vote: Outvoted) -> Problem:
    label = seen.listing.entries[vote.voters[0]].label
    text = (
        f"shows the same as {len(vote.voters)} pictures of {label}, {seen.name(vote.voters[0])} "
        f"for instance: look whether it is {label} too"
    )
    others = tuple(seen.path(row) for row in vote.voters)
    return Problem("suspicious-label", seen.path(vote.row), text, others)


def _contradicted(seen: Seen, row: int, label: str) -> Problem:
    text = (
        f"looks like {label} to a model that has learnt from the other pictures: look whether "
        f"{seen.listing.entries[row].label} is right"
    )
    return Problem("suspicious-label", seen.path(row), text)


# Classes


def _of_classes(seen: Seen) -> Iterator[Problem]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    folders: dict[tuple[str, str], str] = {}
    root = seen.listing.root
    for entry in seen.listing.entries:
        split = entry.split or ""
        counts[split][entry.label] += 1
        folders.setdefault((split, entry.label), str(_class_folder(root, entry)))
    for split, of_class in sorted(counts.items()):
        most, largest = max((n, label) for label, n in of_class.items())
        where = f"{split} has" if split else "there are"
        enough = FEW_HELD_OUT if split in {"val", "test"} else FEW_TRAINING
        for label, n in sorted(of_class.items()):
            folder = folders[split, label]
            if n < enough:
                yield Problem("few-pictures", folder, _few(where, n, label, enough))
            if n * MAX_RATIO < most and split in {"", "train"}:
                text = (
                    f"{where} {n} pictures of {label} and {most} of {largest}: collect more of "
                    f"{label}, at least one for every {MAX_RATIO}"
                )
                yield Problem("imbalance", folder, text)


def _few(where: str, n: int, label: str, enough: int) -> str:
    return f"{where} only {n} picture(s) of {label}: expected {enough} or more; collect more"


def _class_folder(root: Path, entry: Entry) -> Path:
    """Where to put more pictures of a class; in a manifest's data, as near as can be told."""
    for folder in entry.path.parents:
        if folder == root or folder.name == entry.label:
            return folder
    return root
