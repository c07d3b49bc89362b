"""Pictures come as folders, as a manifest, or zipped; mistakes are told by file and line."""

import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from galago.errors import DataError
from galago.train.data.source import Listing, find


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def names(n: int, folder: str) -> list[str]:
    return [f"{folder}/{number}.jpg" for number in range(n)]


def manifest(root: Path, text: str, name: str = "all.csv") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(text.encode())
    return root / name


def packed(archive: Path, folder: Path, top: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(folder.rglob("*")):
            target.write(path, Path(top) / path.relative_to(folder))
    return archive


def table(listing: Listing) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (name, entry.label, entry.split, entry.group)
        for name, entry in zip(listing.names, listing.entries, strict=True)
    ]


# Folders


def test_class_folders_are_the_labels_in_alphabetical_order(tmp_path: Path) -> None:
    """However the file system lists them."""
    touch(tmp_path, *names(3, "owl"), *names(3, "bat"), *names(3, "cat"))
    listing = find(tmp_path)
    assert listing.labels == ("bat", "cat", "owl")
    assert list(listing.names) == sorted(listing.names)


def test_a_class_folder_may_have_folders_of_its_own(tmp_path: Path) -> None:
    """The first folder is the label, however deep the picture lies."""
    touch(tmp_path, "cat/2025/may/1.jpg", "dog/1.webp")
    assert table(find(tmp_path)) == [
        ("cat/2025/may/1.jpg", "cat", None, None),
        ("dog/1.webp", "dog", None, None),
    ]


def test_given_splits_are_known_by_any_of_their_usual_names(tmp_path: Path) -> None:
    """training/ is train, valid/ is val."""
    for folder in ("training", "valid", "test"):
        touch(tmp_path, f"{folder}/a/1.jpg", f"{folder}/b/1.jpg")
    splits = {name: split for name, _, split, _ in table(find(tmp_path))}
    assert splits["training/a/1.jpg"] == "train"
    assert splits["valid/a/1.jpg"] == "val"
    assert splits["test/b/1.jpg"] == "test"


def test_other_files_among_the_pictures_are_listed_and_hidden_ones_are_not(tmp_path: Path) -> None:
    """A phone's HEIC pictures do not vanish without a word."""
    touch(tmp_path, "a/1.jpg", "a/2.heic", "a/x/notes.txt", "b/1.JPG", "b/.DS_Store")
    touch(tmp_path, "b/Thumbs.db", "b/.thumbnails/1.jpg", ".git/1.jpg", "__MACOSX/a/1.jpg")
    listing = find(tmp_path)
    assert listing.names == ("a/1.jpg", "b/1.JPG")
    assert listing.ignored == (tmp_path / "a/2.heic", tmp_path / "a/x/notes.txt")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "has no pictures: expected"),
        (["a/notes.txt"], "has no pictures: expected"),
        (["1.jpg", "2.jpg"], "has no pictures: expected"),
        (names(10, "cat"), r"has one class only \(cat\): a classifier needs two"),
        (["test/a/1.jpg", "test/b/1.jpg"], "has test/ but no train/"),
        (
            ["train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg", "test/c/1.jpg"],
            r"test/ and train/ have different classes \(b, c\)",
        ),
    ],
)
def test_a_folder_that_cannot_serve(tmp_path: Path, files: list[str], message: str) -> None:
    """The message says what was expected."""
    touch(tmp_path, *files)
    with pytest.raises(DataError, match=message):
        find(tmp_path)


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A typing error is not an empty dataset."""
    for name in ("imgaes", "lables.csv", "al.zip"):
        with pytest.raises(DataError, match=f"{name} is not a folder"):
            find(tmp_path / name)


# Manifests


@pytest.mark.parametrize(
    "text",
    [
        "path,label,split,group\nx/1.jpg,cat,train,tom\ny/2.jpg,dog,Training,\n",
        "\ufeffpath,label,split,group\r\nx/1.jpg,cat,train,tom\r\ny/2.jpg,dog,train,\r\n",
        "label;path;group;split;note\ncat;x/1.jpg;tom;train;hi\n\ndog;./y/2.jpg;;train;a,b\n",
        'Path, Label, Split, Group\n"x/1.jpg", cat, train, tom\nx\\..\\y\\2.jpg,dog,train,\n',
    ],
)
def test_a_manifest_in_any_usual_spelling(tmp_path: Path, text: str) -> None:
    """Excel's byte order mark and semicolons, Windows' line ends and backslashes."""
    touch(tmp_path, "x/1.jpg", "y/2.jpg")
    listing = find(manifest(tmp_path, text))
    assert table(listing) == [
        ("x/1.jpg", "cat", "train", "tom"),
        ("y/2.jpg", "dog", "train", None),
    ]


def test_without_the_optional_columns_nothing_is_said_of_split_and_group(tmp_path: Path) -> None:
    """Paths may lead out of the manifest's folder."""
    touch(tmp_path, "x/1.jpg", "x/2.jpg")
    listing = find(manifest(tmp_path / "lists", "path,label\n../x/1.jpg,a\n../x/2.jpg,b\n"))
    assert table(listing) == [("../x/1.jpg", "a", None, None), ("../x/2.jpg", "b", None, None)]
    assert all(entry.path.is_file() for entry in listing.entries)


def test_a_folder_with_one_manifest_is_read_through_it(tmp_path: Path) -> None:
    """Not the folder names; a CSV without those columns is of no account."""
    touch(tmp_path, "all/1.jpg", "all/2.jpg")
    manifest(tmp_path, "time,temperature\n1,2\n", "weather.csv")
    chosen = manifest(tmp_path, "path,label\nall/1.jpg,a\nall/2.jpg,b\n", "labels.csv")
    listing = find(tmp_path)
    assert listing.labels == ("a", "b")
    assert listing.manifest == chosen
    manifest(tmp_path, "path,label\nall/1.jpg,a\n", "other.csv")
    with pytest.raises(DataError, match=r"several manifests \(labels.csv, other.csv\)"):
        find(tmp_path)


def test_the_same_line_twice_is_one_picture(tmp_path: Path) -> None:
    """Also where the path is spelled in another way."""
    touch(tmp_path, "1.jpg", "2.jpg", "3.heic")
    listing = find(manifest(tmp_path, "path,label\n1.jpg,a\n./1.jpg,a\n2.jpg,b\n3.heic,b\n"))
    assert listing.names == ("1.jpg", "2.jpg")
    assert listing.ignored == (tmp_path / "3.heic",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1: no column 'path' or 'label': expected a header path,label"),
        ("file,label\n1.jpg,a\n", "line 1: no column 'path'.*found file, label"),
        ("path,label\n", "has no pictures"),
        ("path,label\n1.jpg,a\n2.jpg,\n", r"line 3: 2\.jpg has no label"),
        ("path,label\n1.jpg,a\n,b\n", "line 3: the path is blank"),
        ("path,label\n1.jpg,a\n2.jpg\n", r"line 3: 2\.jpg has no label"),
        (
            "path,label,split\n1.jpg,a,trian\n",
            r"line 2: 1\.jpg is in split 'trian': expected train",
        ),
        (
            "path,label,split\n1.jpg,a,train\n2.jpg,b,\n",
            r"line 3: 2\.jpg has no split, like 1 of 2 pictures",
        ),
        ("path,label,split\n1.jpg,a,test\n2.jpg,b,test\n", "has test/ but no train/"),
        (
            "path,label\n1.jpg,a\n2.jpg,b\n8.jpg,a\n9.jpg,b\n",
            r"line 4: \S*8\.jpg is not there, like 2 of 4 pictures: paths are relative to",
        ),
        (
            "path,label\n1.jpg,a\n2.jpg,b\n1.jpg,b\n",
            r"line 4: 1\.jpg is said to be b, but in line 2 a",
        ),
        (
            "path,label,split\n1.jpg,a,train\n2.jpg,b,train\n1.jpg,a,test\n",
            r"line 4: 1\.jpg is said to be a, test, but in line 2 a, train",
        ),
        ('path,label\n"1.jpg,a\n', "line 2: unexpected end of data"),
    ],
)
def test_a_mistake_in_a_manifest_is_told_by_file_and_line(
    tmp_path: Path, text: str, message: str
) -> None:
    """So that it can be mended in a spreadsheet of thousands of lines."""
    touch(tmp_path, "1.jpg", "2.jpg")
    with pytest.raises(DataError, match=rf"all\.csv.*{message}"):
        find(manifest(tmp_path, text))


def test_a_manifest_in_an_old_encoding_is_refused(tmp_path: Path) -> None:
    """Rather than labels with wrong letters."""
    (tmp_path / "all.csv").write_bytes("path,label\n1.jpg,Bär\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        find(tmp_path / "all.csv")


# Zips


@pytest.mark.parametrize("top", ["", "animals", "a/b"])
def test_a_zip_of_any_of_these(tmp_path: Path, top: str) -> None:
    """With or without a folder around everything; names are those of the folder."""
    folder = touch(tmp_path / "folder", "train/cat/1.jpg", "train/dog/1.jpg")
    touch(folder, "__MACOSX/train/cat/._1.jpg", ".DS_Store")
    listing = find(packed(tmp_path / "animals.zip", folder, top))
    assert table(listing) == table(find(folder))
    assert listing.data == tmp_path / "animals.zip"
    listed = touch(tmp_path / "listed", "1.jpg", "2.jpg")
    manifest(listed, "path,label\n1.jpg,cat\n2.jpg,dog\n")
    assert find(packed(tmp_path / "listed.zip", listed, top)).labels == ("cat", "dog")


def test_a_zip_of_one_class_is_told_so(tmp_path: Path) -> None:
    """Its only folder is a class, not a wrapping."""
    folder = touch(tmp_path / "folder", "cat/1.jpg", "cat/2.jpg")
    with pytest.raises(DataError, match=r"animals\.zip has one class only \(cat\)"):
        find(packed(tmp_path / "animals.zip", folder))


def test_a_zip_is_unpacked_once(tmp_path: Path) -> None:
    """Under the name of its content: a changed zip is another one."""
    folder = touch(tmp_path / "folder", "cat/1.jpg", "dog/1.jpg")
    archive = packed(tmp_path / "animals.zip", folder)
    root = find(archive).root
    marker = touch(root, "cat/marker.jpg") / "cat/marker.jpg"
    assert find(archive).root == root
    assert marker.exists()
    touch(folder, "dog/2.jpg")
    assert find(packed(archive, folder)).root != root


def test_zips_that_cannot_be_used_are_one_line_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off, damaged inside, reaching outside, encrypted, larger than the disk."""
    monkeypatch.setenv("GALAGO_CACHE", str(tmp_path / "cache"))
    folder = touch(tmp_path / "folder", "dog/1.jpg")
    (folder / "cat").mkdir()
    (folder / "cat" / "1.jpg").write_bytes(bytes(range(256)) * 40)
    whole = packed(tmp_path / "whole.zip", folder).read_bytes()
    bad = {
        "cut.zip": (whole[:300], "is damaged"),
        "text.zip": (b"not a zip", "is damaged"),
        "flipped.zip": (whole.replace(bytes(range(100)), bytes(100), 1), "is damaged"),
        "locked.zip": (_encrypted(whole), "is encrypted"),
    }
    for name in ("../out.jpg", "/etc/out.jpg", "a/../../out.jpg", "C:\\out.jpg", "..\\out.jpg"):
        path = tmp_path / "escape.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("cat/1.jpg", b"")
            archive.writestr(name, b"")
        bad[f"escape{len(bad)}.zip"] = (path.read_bytes(), "reaches outside")
    for name, (content, message) in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}.*{message}") as caught:
            find(tmp_path / name)
        assert "\n" not in str(caught.value)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=9))
    with pytest.raises(DataError, match=r"whole\.zip needs .* make room"):
        find(tmp_path / "whole.zip")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not list(tmp_path.rglob("out.jpg"))


def _encrypted(content: bytes) -> bytes:
    """The flag that says so, set in every directory record."""
    changed = bytearray(content)
    for start in range(len(changed) - 4):
        if changed[start : start + 4] == b"PK\x01\x02":
            changed[start + 8] |= 1
        if changed[start : start + 4] == b"PK\x03\x04":
            changed[start + 6] |= 1
    return bytes(changed)
