"""Names of pictures: fit for a file, a URL and training."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galago.edge.snapshots.place import day, files, make_name, name_of
from galago.errors import UsageError
from galago.train.data.groups import group
from galago.train.data.look import look, time_in_name
from tests.conftest import draw

AT = datetime(2026, 11, 24, 21, 59, 55, 123_456, tzinfo=UTC)


def test_a_name_tells_when_and_what(tmp_path: Path) -> None:
    """It is what the guide shows, and the files are in a folder of their day."""
    assert make_name(AT, "cat", None) == "20261124T215955.123Z_cat"
    assert make_name(AT, "cat", "front door") == "20261124T215955.123Z_cat_front-door"
    place = tmp_path / "pictures" / "2026-11-24"
    assert files(tmp_path, "20261124T215955.123Z_cat") == (
        place / "20261124T215955.123Z_cat.jpg",
        place / "20261124T215955.123Z_cat.crop.jpg",
        place / "20261124T215955.123Z_cat.small.jpg",
        place / "20261124T215955.123Z_cat.webm",
    )


@given(label=st.text(), region=st.none() | st.text(min_size=1))
def test_any_label_makes_a_plain_name(label: str, region: str | None) -> None:
    """Slashes, dots, other scripts and great length: still one file, one word of a URL."""
    name = make_name(AT, label, region)
    assert quote(name, safe="") == name
    assert len(name) < 110
    assert day(name) == "2026-11-24"
    for file in files(Path("/store"), name):
        assert file.parent == Path("/store/pictures/2026-11-24")
        found = name_of(file.name)
        assert found is not None
        assert found[0] == name


def test_labels_of_other_scripts_stay_apart() -> None:
    """What has no letter of ours gets a figure of its own, the same each time."""
    names = {make_name(AT, label, None) for label in ("猫", "犬", "猫")}
    assert len(names) == 2
    assert make_name(AT, "Öhrchen", None).endswith("_Ohrchen")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "cat",
        "../../../etc/passwd",
        "20261124T215955.123Z_",
        "20261124T215955.123Z_a/b",
        "20261124T215955.123Z_cat\n",
        "20261124T215955.123Z_.",
        "²0261124T215955.123Z_cat",
        "20261124T215955.123Z_" + "a" * 41,
    ],
)
def test_what_is_no_name_leads_nowhere(name: str) -> None:
    """Whatever somebody writes into the address bar."""
    with pytest.raises(UsageError, match="no picture has such a name"):
        files(Path("/store"), name)


def test_training_keeps_the_pictures_of_a_visit_together() -> None:
    """Exported as DATA/label/NAME.jpg, those of one minute are one group, others are not."""
    names = [
        make_name(AT + timedelta(hours=visit, seconds=20 * nth), "seen 2001-01-01 10.10.10", "door")
        for visit in range(4)
        for nth in range(3)
    ]
    looks = np.stack([look(b"", draw("empty", seed)) for seed, _ in enumerate(names)])
    looks["taken"] = [time_in_name(Path("DATA") / "cat" / f"{name}.jpg") for name in names]
    looks["digest"] = [name.encode()[:64] for name in names]
    groups = group(looks, ["cat"] * len(names), [None] * len(names))
    assert groups.tolist() == [0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9, 9]
