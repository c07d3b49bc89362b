"""What the first boot leaves: nothing secret on the card, and what was there before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from galago.deploy.card import cloudinit, firstrun, hook
from galago.deploy.card.first_boot import clean, forget_unit, put_secrets, wipe
from galago.deploy.card.partition import INSTALLED, LOG, PAYLOAD, SECRETS, Partition
from galago.deploy.card.settings import Settings, Wifi
from galago.deploy.device.places import Places
from tests.virtual_pi.boot_partitions import bookworm, trixie, with_imagers_settings

HOME = Wifi.of("home", "correct horse", "DE")
WHEEL = f"{PAYLOAD}/wheels/galago-0.1.0-py3-none-any.whl"

# Cleans each card in a process of its own, which dies at its n-th touch of a file, as when the
# power goes; says how each of them ended.
CUT = """
import os, sys
from pathlib import Path
from galago.deploy.card.first_boot import clean
def count(event, arguments):
    global left
    touched = event in ("open", "os.rename", "os.remove", "os.rmdir") and arguments
    if touched and str(arguments[0]).startswith(card):
        left -= 1
        if left < 0:
            os._exit(9)
for left, card in enumerate(sys.argv[2:]):
    if pid := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        continue
    sys.addaudithook(count)
    clean(Path(card), Path(sys.argv[1]))
    os._exit(0)
"""
CUTS = 80


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A device's root that has taken the Wi-Fi over, and has our unit."""
    root = tmp_path / "root"
    for folder in ("etc/netplan", "etc/cloud/cloud.cfg.d", "etc/systemd/system"):
        (root / folder).mkdir(parents=True)
    (root / "etc/netplan/50-cloud-init.yaml").write_text(f"password: {HOME.psk}\n")
    return root


def carry(partition: Partition) -> Partition:
    """As much of a payload as somebody has to take away, with two secrets."""
    for name in (f"{PAYLOAD}/payload.json", f"{PAYLOAD}/porch.tflite", WHEEL, INSTALLED):
        partition.write(name, "something")
    partition.write(f"{SECRETS}/web", "a password")
    partition.write(f"{SECRETS}/mqtt", "another")
    partition.write(f"galago/{hook.SCRIPT}", hook.script())
    return partition


def listing(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_a_card_of_13_is_as_it_was(tmp_path: Path, system: Path) -> None:
    """User-data with Imager's settings, network-config as it came; nothing of ours."""
    partition = Partition(with_imagers_settings(trixie(tmp_path / "13")))
    before = listing(partition.root)
    carry(partition)
    cloudinit.write(partition, Settings(wifi=HOME), online=False)
    clean(partition.root, system)
    assert listing(partition.root) == before
    assert not (partition.root / "galago").exists()


def test_a_card_of_12_is_as_it_was(tmp_path: Path, system: Path) -> None:
    """A script that was interrupted behind the line that forgets it goes as well."""
    partition = Partition(bookworm(tmp_path / "12"))
    before = listing(partition.root)
    carry(partition)
    partition.write("firstrun.sh", firstrun.script(Settings(wifi=HOME)))
    clean(partition.root, system)
    assert listing(partition.root) == before


def test_imagers_script_is_not_ours_to_remove(tmp_path: Path, system: Path) -> None:
    """It removes itself."""
    partition = carry(Partition(with_imagers_settings(bookworm(tmp_path / "12"))))
    firstrun.write(partition, Settings(wifi=HOME))
    clean(partition.root, system)
    assert (partition.root / "firstrun.sh").exists()


def test_cloud_init_leaves_the_network_alone_from_then_on(tmp_path: Path, system: Path) -> None:
    """Else what is gone from the card would one day be gone from the system, too."""
    partition = carry(Partition(trixie(tmp_path / "13")))
    cloudinit.write(partition, Settings(wifi=HOME), online=False)
    clean(partition.root, system)
    text = (system / "etc/cloud/cloud.cfg.d/99-galago-network.cfg").read_text()
    assert text.splitlines()[1:] == ["network: {config: disabled}"]


def test_a_key_that_the_system_does_not_have_stays(tmp_path: Path, system: Path) -> None:
    """A device without its network would be worse; whoever looks at the card is told."""
    (system / "etc/netplan/50-cloud-init.yaml").unlink()
    partition = carry(Partition(trixie(tmp_path / "13")))
    cloudinit.write(partition, Settings(wifi=HOME), online=False)
    clean(partition.root, system)
    assert HOME.psk in (partition.root / "network-config").read_text()
    assert "keeps the Wi-Fi key" in (partition.root / LOG).read_text()
    assert not (system / "etc/cloud/cloud.cfg.d/99-galago-network.cfg").exists()
    assert not (partition.root / "galago").exists()


def test_what_is_wiped_is_overwritten_where_it_lies(tmp_path: Path) -> None:
    """Seen through a second name of the same file, which unlinking does not take away."""
    file = tmp_path / "secret"
    file.write_text("a password")
    os.link(file, tmp_path / "same")
    wipe(file)
    assert not file.exists()
    assert (tmp_path / "same").read_bytes() == b"##########"


def test_an_interrupted_cleaning_is_gone_on_with(tmp_path: Path, system: Path) -> None:
    """Killed at each file that it opens, renames or removes, in turn: the next one ends it.

    What it needs to go on, the wheel and the mark, is the last to go.
    """
    cards = [Partition(trixie(tmp_path / str(number))) for number in range(CUTS)]
    before = listing(cards[0].root)
    for card in cards:
        carry(card)
        cloudinit.write(card, Settings(wifi=HOME), online=False)
    words = [sys.executable, "-c", CUT, str(system), *(str(card.root) for card in cards)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=120)
    for card in cards:
        if left := list((card.root / "galago").rglob("*")):
            assert (card.root / WHEEL).exists() or left_over(left), left
            clean(card.root, system)
        assert listing(card.root) == before
    endings = done.stdout.split()
    assert endings[0] == "9"
    assert endings[-1] == "0", "more cuts are needed to reach its end"


def left_over(left: list[Path]) -> bool:
    """The wheel has gone, and with it all that matters: empty folders, and the mark."""
    return {path.name for path in left if path.is_file()} <= {"installed"}


def test_secrets_come_where_systemd_hands_them_over(tmp_path: Path) -> None:
    """For root alone; a second time changes nothing."""
    partition = carry(Partition(trixie(tmp_path / "13")))
    places = Places(tmp_path / "root")
    for _ in range(2):
        put_secrets(partition.root, places)
    found = {path.name: path.read_text() for path in places.secrets.iterdir()}
    assert found == {"web": "a password", "mqtt": "another"}
    assert {path.stat().st_mode & 0o777 for path in places.secrets.iterdir()} == {0o600}
    assert places.secrets.stat().st_mode & 0o777 == 0o700


def test_the_unit_forgets_itself(system: Path) -> None:
    """With what has it start; and once more, when a cut came between."""
    units = system / "etc/systemd/system"
    (units / "multi-user.target.wants").mkdir()
    (units / hook.UNIT).touch()
    (units / "multi-user.target.wants" / hook.UNIT).symlink_to(units / hook.UNIT)
    for _ in range(2):
        forget_unit(system)
        assert [path for path in units.rglob("*") if hook.UNIT in path.name] == []
