"""Which pictures there are and what they show, however they come.

- A folder per class; `train/ val/ test/` with a folder per class each; a CSV manifest; or a zip of
  any of these.
- A folder (or zip) with one CSV at its top that has the columns `path` and `label` is read through
  it; any other CSV is of no account.
- The same data gives the same listing, in the same order, on every machine.

A manifest is UTF-8, comma or semicolon, with a header: `path,label[,split][,group]`, columns in any
order, others ignored. Paths are relative to the CSV's folder. A `split` stands in every row or in
none. Pictures of one `group` (one animal, one visit, one camera) never straddle a made split.

    listing = find(Path("images"))
    print(listing.entries[0].path, listing.entries[0].label)
"""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from galago.bundle.image import is_image
from galago.errors import DataError
from galago.train.data.unpack import unpack

SPLITS = ("train", "val", "test")

_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
SPLIT_OF = {name: split for split, names in _NAMES.items() for name in names}
_COLUMNS = "path,label[,split][,group]"
_LITTER = frozenset({"thumbs.db", "desktop.ini"})  # what Windows leaves in folders it has shown


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture and what is said of it; `split` and `group` are None where nothing is."""

    path: Path
    label: str
    split: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found in `data`, by name.

    `names` are those of the entries below the folder `root`, the same wherever the data lies.
    `ignored` are files among the pictures that are none Galago reads, hidden ones aside.
    `manifest` is the CSV that the labels come from, if any.
    """

    data: Path
    root: Path
    entries: tuple[Entry, ...]
    names: tuple[str, ...]
    ignored: tuple[Path, ...]
    manifest: Path | None

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in alphabetical order."""
        return tuple(sorted({entry.label for entry in self.entries}))


def find(data: Path) -> Listing:
    """List the pictures of a folder, a CSV manifest or a zip.

    Raises:
        DataError: no pictures, fewer than two classes, splits with different classes, a manifest
            with a mistake, a zip that cannot be unpacked.
    """
    if data.suffix.lower() == ".csv" and data.is_file():
        return _listing(data, data.parent, *_rows(data), data)
    if data.suffix.lower() == ".zip" and data.is_file():
        return _folder(data, _descend(unpack(data)))
    if not data.is_dir():
        raise DataError(
            f"{data} is not a folder: expected one folder of pictures per class, a .csv or a .zip"
        )
    return _folder(data, data)


def _descend(folder: Path) -> Path:
    """Into the one folder that most zips consist of: animals.zip holds animals/cat/1.jpg."""
    while True:
        inside = [child for child in folder.iterdir() if not _hidden(child)]
        if len(inside) != 1 or not inside[0].is_dir() or inside[0].name in SPLIT_OF:
            return folder
        if any(map(is_image, inside[0].iterdir())) and not any(inside[0].glob("*.csv")):
            return folder  # a class
        folder = inside[0]


def _folder(data: Path, root: Path) -> Listing:
    manifests = [path for path in sorted(root.glob("*.csv")) if _is_manifest(path)]
    if len(manifests) > 1:
        names = ", ".join(path.name for path in manifests)
        raise DataError(f"{data} has several manifests ({names}): name the one that is meant")
    if manifests:
        return _listing(data, root, *_rows(manifests[0]), manifests[0])
    return _listing(data, root, *_class_folders(data, root))


def _listing(
    data: Path,
    root: Path,
    entries: Iterable[Entry],
    ignored: Iterable[Path],
    manifest: Path | None = None,
) -> Listing:
    named = {_name(entry.path, root): entry for entry in entries}
    names = tuple(sorted(named))
    listing = Listing(
        data, root, tuple(named[name] for name in names), names, tuple(sorted(ignored)), manifest
    )
    _check_labels(listing)
    return listing


def _name(path: Path, root: Path) -> str:
    text, prefix = path.as_posix(), root.as_posix() + "/"
    if text.startswith(prefix):  # all but a manifest's "../…"; relpath is slow
        return text[len(prefix) :]
    return Path(os.path.relpath(path, root)).as_posix()


def _check_labels(listing: Listing) -> None:
    """Two classes or more, and every split with all of them."""
    data, labels = listing.data, listing.labels
    if not labels:
        raise DataError(
            f"{data} has no pictures: expected {data.name}/cat/1.jpg, {data.name}/dog/1.jpg … "
            "(JPEG, PNG, BMP or WebP), one folder per class"
        )
    given: dict[str, set[str]] = {}
    for entry in listing.entries:
        given.setdefault(entry.split or "train", set()).add(entry.label)
    if "train" not in given:
        raise DataError(f"{data} has {', '.join(sorted(given))}/ but no train/")
    if len(labels) < 2:
        raise DataError(
            f"{data} has one class only ({labels[0]}): a classifier needs two or more; make a "
            "folder of pictures without it, 'empty' for instance"
        )
    for split, classes in given.items():
        if different := sorted(classes ^ given["train"]):
            raise DataError(
                f"{data}: {split}/ and train/ have different classes ({', '.join(different)}): "
                "every split needs every class"
            )


def _hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name == "__MACOSX" or path.name.lower() in _LITTER


# Folder per class


def _class_folders(data: Path, root: Path) -> tuple[list[Entry], list[Path]]:
    given = {split: folder for split in SPLITS if (folder := _split_folder(root, split))}
    if given and "train" not in given:
        raise DataError(f"{data} has {', '.join(f.name for f in given.values())}/ but no train/")
    places: list[tuple[str | None, Path]] = [*given.items()] or [(None, root)]
    entries, ignored = [], []
    for split, folder in places:
        for child in sorted(folder.iterdir()):
            if not child.is_dir() or _hidden(child):
                continue
            for path in _files(child):
                if is_image(path):
                    entries.append(Entry(path, child.name, split))
                else:
                    ignored.append(path)
    return entries, ignored


def _split_folder(root: Path, split: str) -> Path | None:
    return next((root / name for name in _NAMES[split] if (root / name).is_dir()), None)


def _files(folder: Path) -> Iterator[Path]:
    """What is in a folder and its folders, hidden ones aside."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _hidden(Path(name))]
        yield from (Path(place, name) for name in names if not _hidden(Path(name)))


# CSV manifest


def _is_manifest(path: Path) -> bool:
    try:
        columns, _ = _table(path)
    except DataError:
        return False
    return {"path", "label"} <= set(columns)


def _rows(path: Path) -> tuple[list[Entry], list[Path]]:
    """The entries of a manifest, and the files it lists that are no pictures."""
    columns, rows = _table(path)
    if missing := [name for name in ("path", "label") if name not in columns]:
        raise DataError(
            f"{path}, line 1: no column {' or '.join(map(repr, missing))}: expected a header "
            f"{_COLUMNS}, found {', '.join(columns) or 'nothing'}"
        )
    entries: dict[Path, Entry] = {}
    lines: dict[Path, int] = {}
    for line, row in rows:
        try:
            entry = _entry(path.parent, row)
        except DataError as error:
            raise DataError(f"{path}, line {line}: {error}") from error
        before = entries.setdefault(entry.path, entry)
        if before != entry:
            raise DataError(
                f"{path}, line {line}: {row['path']} is said to be {_said(entry)}, but in line "
                f"{lines[entry.path]} {_said(before)}: expected one line per picture"
            )
        lines.setdefault(entry.path, line)
    _check_splits(path, entries, lines)
    _check_there(path, lines)
    return (
        [entry for entry in entries.values() if is_image(entry.path)],
        [entry.path for entry in entries.values() if not is_image(entry.path)],
    )


def _table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns, and the rows with their line numbers."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        header = text.partition("\n")[0]
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=";" if header.count(";") > header.count(",") else ",",
            skipinitialspace=True,
            strict=True,
        )
        columns = [cell.strip().lower() for cell in next(reader, [])]
        rows = [
            (reader.line_num, dict(zip(columns, map(str.strip, row), strict=False)))
            for row in reader
            if any(map(str.strip, row))
        ]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: save it as CSV UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}") from error
    return columns, rows


def _entry(folder: Path, row: dict[str, str]) -> Entry:
    name, label = row.get("path", ""), row.get("label", "")
    if not name:
        raise DataError("the path is blank: expected a picture's path")
    if not label:
        raise DataError(f"{name} has no label: expected what it shows")
    split = row.get("split", "")
    if split and split.lower() not in SPLIT_OF:
        raise DataError(f"{name} is in split {split!r}: expected {', '.join(SPLITS)} or nothing")
    # Manifests written on Windows have backslashes.
    path = Path(os.path.normpath(folder / PureWindowsPath(name).as_posix()))
    return Entry(path, label, SPLIT_OF.get(split.lower()), row.get("group") or None)


def _said(entry: Entry) -> str:
    return ", ".join(filter(None, (entry.label, entry.split, entry.group)))


def _check_splits(path: Path, entries: dict[Path, Entry], lines: dict[Path, int]) -> None:
    without = [entry for entry in entries.values() if entry.split is None]
    if without and len(without) < len(entries):
        raise DataError(
            f"{path}, line {lines[without[0].path]}: {without[0].path.name} has no split, like "
            f"{len(without)} of {len(entries)} pictures: fill the column in every row, or in none"
        )


def _check_there(path: Path, lines: dict[Path, int]) -> None:
    if missing := [picture for picture in lines if not picture.is_file()]:
        raise DataError(
            f"{path}, line {lines[missing[0]]}: {missing[0]} is not there, like {len(missing)} of "
            f"{len(lines)} pictures: paths are relative to the folder of the CSV"
        )
