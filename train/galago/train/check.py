"""Look at a dataset before learning from it: what is there, and what is wrong with it.

- Nothing in the dataset is changed.
- Files that cannot be read are a finding here, never an error.

    report = check(Path("images"))
    print(as_text(report))
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galago.bundle.image import is_image
from galago.bundle.preprocess import PreprocessSpec
from galago.errors import CheckError
from galago.train.data import formats
from galago.train.data.cache import prepare
from galago.train.data.groups import group
from galago.train.data.look import Looks
from galago.train.data.problems import KINDS, SERIOUS, Problem, Seen, problems
from galago.train.data.source import SPLITS, Listing, find

# Enough to compare views and to learn what contradicts a label; a million pictures take 12 GB.
SPEC = PreprocessSpec(64, 64)

_SHOWN = 5  # of each kind, in a terminal

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Check:
    """What is in a dataset, and what is wrong with it.

    Fields:
        data: what was looked at.
        splits: number of pictures by split and label; "" where no split is given.
        readable: pictures that can be decoded.
        sizes: of the smallest, the median and the largest picture, (width, height) in pixels.
        bursts: numbers of pictures that show one moment, of each moment with more than one.
        ignored: files among the pictures that Galago does not read.
        problems: worst kind first.
    """

    data: Path
    splits: dict[str, dict[str, int]]
    readable: int
    sizes: tuple[Size, ...]
    bursts: tuple[int, ...]
    ignored: int
    problems: tuple[Problem, ...]

    @property
    def classes(self) -> dict[str, int]:
        """Number of pictures per label."""
        total: Counter[str] = Counter()
        for counts in self.splits.values():
            total.update(counts)
        return dict(sorted(total.items()))

    @property
    def kinds(self) -> dict[str, int]:
        """Number of problems per kind, worst kind first."""
        counts = Counter(problem.kind for problem in self.problems)
        return {kind: counts[kind] for kind in KINDS if counts[kind]}

    def to_dict(self) -> dict[str, Any]:
        """The document that `galago check --json` prints."""
        return {
            "data": str(self.data),
            "n": sum(self.classes.values()),
            "readable": self.readable,
            "classes": self.classes,
            "splits": {split: counts for split, counts in self.splits.items() if split},
            "bursts": {"n": len(self.bursts), "pictures": sum(self.bursts)},
            "sizes": dict(zip(("smallest", "median", "largest"), self.sizes, strict=False)),
            "ignored": self.ignored,
            "kinds": self.kinds,
            "problems": [
                asdict(problem) | {"serious": problem.serious} for problem in self.problems
            ],
        }

    def demand_none(self) -> None:
        """Raise CheckError where there is any problem."""
        if self.problems:
            listed = ", ".join(f"{n} {kind}" for kind, n in self.kinds.items())
            raise CheckError(
                f"{self.data} has {len(self.problems)} problem(s) ({listed}): expected none; mend "
                "them, or leave --strict out"
            )


def check(data: Path, *, also: Sequence[PreprocessSpec] = ()) -> Check:
    """Look at a folder, a CSV manifest or a zip of pictures.

    `also`: specs that the pictures will be asked for next, prepared on the way.

    Raises:
        DataError: there are no pictures or no classes to speak of.
        OSError: a file vanished, or the cache cannot be written.
    """
    listing = find(data)
    seen = _look(listing, also)
    return Check(
        data,
        _count(listing),
        int(seen.looks["readable"].sum()),
        _sizes(seen.looks),
        _bursts(seen),
        len(listing.ignored),
        tuple(problems(seen)),
    )


def as_text(found: Check) -> str:
    """What a person reads in a terminal."""
    return "\n".join([*_table(found), "", *_summary(found), *_listed(found)])


def _look(listing: Listing, also: Sequence[PreprocessSpec]) -> Seen:
    paths = [entry.path for entry in listing.entries]
    prepared = prepare(paths, SPEC, "pictures", also=also)
    places = [(entry.path.parent, entry.label) for entry in listing.entries]
    return Seen(
        listing,
        prepared.looks,
        prepared.pixels,
        [_format(path) for path in paths],
        [_is_cut_off(path) for path in paths],
        group(prepared.looks, places, [entry.group for entry in listing.entries]),
        [(path, _format(path)) for path in listing.ignored],
        _strays(listing),
    )


def _format(path: Path) -> str | None:
    with path.open("rb") as file:
        return formats.name_of(file.read(formats.HEAD_BYTES))


def _is_cut_off(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - formats.TAIL_BYTES))
        # Nearly all end as they should: that spares reading them once more.
        return not formats.ends(file.read()) and formats.is_cut_off(path.read_bytes())


def _strays(listing: Listing) -> list[Path]:
    """Pictures in no class's folder; what a manifest leaves out, it means to leave out."""
    if not listing.data.is_dir() or any(listing.root.glob("*.csv")):
        return []
    known = {entry.path for entry in listing.entries}
    found = []
    for place, folders, names in os.walk(listing.root):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        found += [path for name in names if is_image(path := Path(place, name))]
    return sorted(path for path in found if path not in known)


def _count(listing: Listing) -> dict[str, dict[str, int]]:
    counts = Counter((entry.split or "", entry.label) for entry in listing.entries)
    given = {split for split, _ in counts}
    return {
        split: {label: counts[split, label] for label in listing.labels}
        for split in ("", *SPLITS)
        if split in given
    }


def _sizes(looks: Looks) -> tuple[Size, ...]:
    readable = looks[looks["readable"]]
    if not len(readable):
        return ()
    order = np.argsort(readable["width"].astype(np.int64) * readable["height"], kind="stable")
    chosen = readable[order[[0, len(order) // 2, -1]]]
    return tuple((int(look["width"]), int(look["height"])) for look in chosen)


def _bursts(seen: Seen) -> tuple[int, ...]:
    timed = seen.looks["readable"] & np.isfinite(seen.looks["taken"])
    _, counts = np.unique(seen.groups[timed], return_counts=True)
    return tuple(int(n) for n in counts if n > 1)


# In a terminal


def _table(found: Check) -> list[str]:
    """Counts: a line per class, a column per split."""
    columns = {split or "pictures": counts for split, counts in found.splits.items()}
    if len(columns) > 1:
        columns["all"] = found.classes
    width = max(len("class"), *(len(label) for label in found.classes))
    rows = [["class", *columns]]
    rows += [[label, *(str(n[label]) for n in columns.values())] for label in found.classes]
    if len(found.classes) > 1:
        rows.append(["all", *(str(sum(counts.values())) for counts in columns.values())])
    return [f"{row[0]:<{width}}" + "".join(f"  {cell:>8}" for cell in row[1:]) for row in rows]


def _summary(found: Check) -> list[str]:
    lines = []
    if found.sizes:
        names = ("smallest", "median", "largest")
        sizes = zip(names, found.sizes, strict=True)
        lines.append("sizes: " + ", ".join(f"{name} {w} × {h}" for name, (w, h) in sizes))
    if found.bursts:
        lines.append(
            f"bursts: {sum(found.bursts)} pictures show {len(found.bursts)} moments; each moment "
            "stays in one split"
        )
    if found.ignored:
        lines.append(f"ignored: {found.ignored} file(s) that are no pictures Galago reads")
    return lines


def _listed(found: Check) -> list[str]:
    if not found.problems:
        return ["no problems found"]
    lines = [f"problems: {len(found.problems)}"]
    for kind, n in found.kinds.items():
        lines += ["", f"{kind} ({n}{', serious' if kind in SERIOUS else ''})"]
        of_kind = [problem for problem in found.problems if problem.kind == kind]
        lines += [f"  {_short(found.data, problem)}" for problem in of_kind[:_SHOWN]]
        if n > _SHOWN:
            lines.append(f"  … and {n - _SHOWN} more; --json lists all")
    return lines


def _short(data: Path, problem: Problem) -> str:
    path = Path(problem.path)
    name = path.relative_to(data) if path.is_relative_to(data) else path
    return f"{name}: {problem.text}"
