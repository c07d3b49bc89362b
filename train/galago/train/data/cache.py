"""Pictures decoded once: prepared by the one `preprocess`, kept on disk, mapped into memory.

- An entry is named after the contents and the spec: the same pictures under other names find it,
  a changed picture never does.
- An entry appears whole or not at all; training reads it through the page cache and never waits for
  a JPEG again.
- The cache, unpacked zips included, stays below `MAX_BYTES`: the entries longest unused go first.
  Deleting it loses nothing.

    prepared = prepare(paths, PreprocessSpec(96, 96), "pictures")
    prepared.pixels[7]  # (96, 96, 3) uint8 RGB
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from galago.bundle.image import decode_image
from galago.bundle.preprocess import Pixels, PreprocessSpec, preprocess
from galago.errors import DataError
from galago.files import new_folder
from galago.noise import hushed
from galago.progress import track
from galago.train.data.look import LOOK, Looks, digest, look, time_in_name

MAX_BYTES = 20_000_000_000
_FORMAT = 2  # raise when the meaning of an entry changes
_PIXELS, _LOOKS = "pixels.npy", "looks.npy"
_KINDS = ("prepared", "unpacked")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Pictures in the order that was asked for.

    Convention: `pixels` (n, h, w, 3) uint8, memory-mapped, black where unreadable; `looks` (n,).
    """

    pixels: Pixels
    looks: Looks


def home() -> Path:
    """Where entries lie: $GALAGO_CACHE, or galago/ in the user's cache folder."""
    if named := os.environ.get("GALAGO_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "galago"


def prepare(
    paths: Sequence[Path], spec: PreprocessSpec, what: str, *, also: Sequence[PreprocessSpec] = ()
) -> Prepared:
    """Read and prepare pictures, or find them prepared.

    Unreadable ones are in `looks`; what becomes of them is the caller's to say. `also`: specs that
    will be asked for next; one decoding serves them all.

    Raises:
        DataError: the disk has no room for them.
        OSError: a file vanished, or the cache cannot be written.
    """
    # Threads, not processes: reading, hashing, decoding and resizing run outside Python's lock.
    with ThreadPoolExecutor() as pool:
        digests = list(track(pool.map(_digest, paths), f"Reading {what}", total=len(paths)))
        entries = {s: home() / "prepared" / _key(digests, s) for s in (spec, *also)}
        missing = {s: entry for s, entry in entries.items() if not (entry / _LOOKS).exists()}
        if missing:
            needed = sum(len(paths) * s.height * s.width * 3 for s in missing)
            make_room(needed, f"preparing {what}", keep=paths[0])
            with ExitStack() as stack:
                folders = {
                    s: stack.enter_context(new_folder(entry, replace=True))
                    for s, entry in missing.items()
                }
                _fill(folders, paths, what, pool)
    entry = entries[spec]
    os.utime(entry)  # used now: the last to go
    looks = np.load(entry / _LOOKS, allow_pickle=False)
    # Names are no part of an entry. They come before EXIF, which a copy may have lost.
    named = np.array([time_in_name(path) for path in paths])
    looks["taken"] = np.where(np.isnan(named), looks["taken"], named)
    return Prepared(np.load(entry / _PIXELS, mmap_mode="r"), looks)


def _digest(path: Path) -> bytes:
    return digest(path.read_bytes())


def _key(digests: list[bytes], spec: PreprocessSpec) -> str:
    # OpenCV's decoders and resizing may differ by a grey level between versions.
    made_with = json.dumps([_FORMAT, cv2.__version__, asdict(spec)], sort_keys=True)
    return hashlib.sha256(made_with.encode() + b"".join(digests)).hexdigest()


def _fill(
    folders: dict[PreprocessSpec, Path],
    paths: Sequence[Path],
    what: str,
    pool: ThreadPoolExecutor,
) -> None:
    stores = {
        spec: np.lib.format.open_memmap(
            folder / _PIXELS, "w+", np.uint8, (len(paths), spec.height, spec.width, 3)
        )
        for spec, folder in folders.items()
    }
    looks = np.zeros(len(paths), LOOK)

    def fill(row: int) -> None:
        content = paths[row].read_bytes()
        try:
            picture = decode_image(content, paths[row])
            for spec, store in stores.items():
                preprocess(picture, spec, np.asarray(store[row]))
        except DataError:
            picture = None
        looks[row] = look(content, picture)

    # The decoders print warnings of their own about damaged files; ours name the file.
    with hushed() as screen:
        rows = pool.map(fill, range(len(paths)))
        for _ in track(rows, f"Preparing {what}", total=len(paths), screen=screen):
            pass
    for spec, folder in folders.items():
        stores[spec].flush()
        np.save(folder / _LOOKS, looks)


def make_room(needed: int, what: str, *, keep: Path | None = None) -> None:
    """Remove the entries longest unused, as many as the limit demands for `needed` more bytes.

    An entry that holds the file `keep` stays.

    Raises:
        DataError: the disk is too small all the same.
    """
    home().mkdir(parents=True, exist_ok=True)
    entries = [entry for kind in _KINDS for entry in (home() / kind).glob("*")]
    kept = needed
    for _, size, entry in sorted(filter(None, map(_weigh, entries)), reverse=True):
        kept += size
        if kept > MAX_BYTES and not (keep and keep.is_relative_to(entry)):
            shutil.rmtree(entry, ignore_errors=True)
    free = shutil.disk_usage(home()).free
    if free < needed:
        raise DataError(
            f"{what} needs {needed / 1e9:.1f} GB in {home()}, which has {free / 1e9:.1f} GB left: "
            "make room, choose a smaller --size, or name another folder in GALAGO_CACHE"
        )


def _weigh(entry: Path) -> tuple[float, int, Path] | None:
    """When an entry was last used, its bytes, itself; None where it has just gone."""
    try:
        return entry.stat().st_mtime, sum(file.stat().st_size for file in entry.rglob("*")), entry
    except FileNotFoundError:  # another process cleans up, or has finished its entry
        return None
