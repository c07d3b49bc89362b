"""A kill or a power cut at every moment of what changes the active model, and what is there then.

GALAGO_POWER=1 tries out more of what is left, on more cards; make power has random moments.
"""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from galago.edge.activation.models import Models
from galago.files import replacing
from tests.activation_faults.judge import active_of, check_state
from tests.activation_faults.pace import Paced, here
from tests.activation_faults.places import Card, Folder, LossyCard, best_place, lacking
from tests.activation_faults.relatives import Relatives, relatives
from tests.activation_faults.scenes import SCENES
from tests.activation_faults.walk import Tally, walk

ASKED_FOR = "GALAGO_POWER"
SHORT = ("another", "back by hand", "the third death")
CHANCES = 5
CONTENT = b"content" * 10_000


@pytest.fixture(scope="module")
def models(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Relatives:
    """Three models that may serve, and one that may not."""
    return relatives(model_path, tmp_path_factory.mktemp("relatives"))


@pytest.mark.parametrize("name", SCENES)
def test_one_verified_model_is_active_whenever_the_power_goes(
    models: Relatives, tmp_path: Path, name: str
) -> None:
    """Before each thing that is done to a file: one active model, whole, and the way back too."""
    if not (name in SHORT or asked_for()):
        pytest.skip("takes long: make power")
    # What is left is tried out: there, too, the same once more comes to its end.
    tally = Tally(skip=1 if asked_for() else 5 if name == "another" else 1000)
    with best_place(tmp_path) as place:
        walk(name, place, models, tally)
    assert tally.wrong == []
    assert tally.cuts > 15


def test_two_who_activate_at_once(models: Relatives, tmp_path: Path) -> None:
    """One comes while the other verifies: whoever is last has its model active, and it is there."""
    state = tmp_path / "state"
    state.mkdir()
    SCENES["another"].before(Models(state / "models"), models)
    read = f"open {state}/models/{models.sha256['second']}.tflite r"
    came: list[str] = []
    with Paced(here(state / "models", state, *activation("second", state, models))) as one:
        for moment in one:
            came += [moment] if moment.startswith(read) or came else []
            if len(came) == 2:  # it has verified what it read, and is about to go on
                with Paced(here(Path("/-"), state, *activation("third", state, models))) as two:
                    assert list(two) == []
                assert two.code == 0
    assert one.code == 0
    assert active_of(state / "models", models.verified) == "second"
    check_state(state / "models")


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("kind", [Card, LossyCard])
@pytest.mark.parametrize("chance", range(CHANCES))
def test_on_every_card(
    models: Relatives, tmp_path: Path, name: str, kind: type[Card], chance: int
) -> None:
    """The same with other chances, on a disk with a cache of its own and one without."""
    if not asked_for():
        pytest.skip("takes minutes: make power")
    need(kind, tmp_path)
    tally = Tally(skip=1000)
    with kind(tmp_path, seed=chance + 1, busy=bool(chance % 2)) as place:
        walk(name, place, models, tally)
    assert tally.wrong == []


def test_a_kill_takes_nothing_that_was_written(tmp_path: Path) -> None:
    """What a killed process has written is there, synced or not."""
    assert survivors(Folder(tmp_path), "killed") == [{"synced", "renamed"}]


@pytest.mark.parametrize("kind", [Card, LossyCard])
def test_a_card_takes_what_was_not_synced(tmp_path: Path, kind: type[Card]) -> None:
    """A file that was renamed before it was synced comes back empty or not at all."""
    need(kind, tmp_path)
    found = survivors(kind(tmp_path), "cut")
    assert {"synced"} in found
    assert all("synced" in whole for whole in found)


def test_a_disk_that_is_never_flushed_takes_more(tmp_path: Path) -> None:
    """Without barriers, the disk's cache is lost, and with it what was synced."""
    need(LossyCard, tmp_path)
    assert {"synced"} not in survivors(LossyCard(tmp_path, options="nobarrier"), "cut")


def test_what_is_left_goes_on(tmp_path: Path) -> None:
    """After a cut the card is used again as it is, and loses no more."""
    need(LossyCard, tmp_path)
    with LossyCard(tmp_path) as card:
        for number in range(3):
            with replacing(card.path / f"{number}") as temporary:
                temporary.write_bytes(CONTENT)
            card.lose_power(lambda: None)
        assert {path.name for path in card.path.glob("[0-9]")} == {"0", "1", "2"}


def activation(name: str, state: Path, models: Relatives) -> tuple[object, ...]:
    return "activate", models.paths[name], "--state", state


def survivors(place: Folder, how: str) -> list[set[str]]:
    """Which of two files are whole after each of several cuts; none, of a disk that is ruined."""
    found = []
    with place:
        (place.path / "temporary").write_bytes(CONTENT)
        (place.path / "temporary").rename(place.path / "renamed")
        with replacing(place.path / "synced") as temporary:
            temporary.write_bytes(CONTENT)
        (place.path / "new").write_bytes(CONTENT)
        (place.path / "new").rename(place.path / "renamed")
        for _ in range(8 if how == "cut" else 1):
            whole: set[str] = set()
            with suppress(OSError), place.cuts[how]() as left:
                whole = {path.name for path in left.iterdir() if is_whole(path)}
            found.append(whole)
    return found


def is_whole(path: Path) -> bool:
    return path.is_file() and path.read_bytes() == CONTENT


def need(kind: type[Folder], scratch: Path) -> None:
    if reason := lacking(kind, scratch):
        pytest.skip(reason)


def asked_for() -> bool:
    return bool(os.environ.get(ASKED_FOR))
