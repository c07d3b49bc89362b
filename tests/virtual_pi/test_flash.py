"""A flashed card, from power on to the first event, on both systems; and what is left of it.

- The kernel's command line is the one that is on the card, as a Pi's firmware would give it.
- The systems are real: cloud-init 25.1 on Debian 13, systemd's own first-boot command on Debian 12.
  What Raspberry Pi OS has beside them is not there; those parts of a script take their other way.
- Nothing can be reached from the machine: there is no network to wait for.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from galago.deploy.card.flash import Request, flash
from galago.deploy.card.hook import UNIT
from galago.deploy.card.partition import LOG
from galago.deploy.card.settings import Settings, Wifi
from galago.edge.web.password import hashed
from tests.deploy.conftest import CACHE
from tests.virtual_pi import boot_partitions
from tests.virtual_pi.conftest import Record, needs_virtual_pi
from tests.virtual_pi.fat import read_fat, read_file, write_fat
from tests.virtual_pi.image import Image, Variant, build
from tests.virtual_pi.service import Service
from tests.virtual_pi.vm import VM

pytestmark = pytest.mark.timeout(3600)

INSTALLED_S = 1200.0  # emulated: pip unpacks, a child process verifies
WIFI = Wifi.of("my home", "correct horse", "DE")
SECRET = hashed("a page's password")
CONFIGURATION = """
device = "porch"

[camera]
source = "fake:bars*1000000?fps=5"

[web]
password = "credential:web"
"""
# What a boot writes anew is not in it: logs, seeds, the database.
_PLACES = "/etc /opt /boot/firmware /home /root /var/lib/private/galago/models"
_LIST = (
    f"find {_PLACES} -xdev -not -type d -printf '%p %m %l\\n' | sort;"
    f" find {_PLACES} -xdev -type f -print0 | sort -z | xargs -0 sha256sum"
)


@dataclass(frozen=True)
class Card:
    """A flashed card: the file of its boot partition, and where it is read from."""

    image: Image
    disk: Path
    folder: Path

    def content(self) -> dict[str, bytes]:
        """What is on the boot partition now, by name."""
        folder = read_fat(self.disk, self.folder / f"{time.monotonic_ns()}")
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    def words(self) -> str:
        """Of its command line, those for systemd: the others are for a Pi's hardware."""
        words = read_file(self.disk, "cmdline.txt").decode().split()
        return " ".join(word for word in words if word.startswith("systemd."))

    @contextmanager
    def in_a_machine(self) -> Iterator[VM]:
        """A machine with this card in it, off."""
        vm = VM(self.image, disks=[self.disk])
        try:
            yield vm
        finally:
            vm.__exit__()

    def switch_on(self, vm: VM) -> None:
        """As the firmware does it: with the words that are on the card."""
        vm.append = self.words()
        vm.start()


def flashed(variant: Variant, tmp_path: Path, model: Path) -> Card:
    """A card of either system with configuration, secret, Wi-Fi, hostname, and a user's key."""
    needs_virtual_pi()
    image = build("amd64", variant)
    on_13 = variant == "cloud-init"
    lay_out = boot_partitions.trixie if on_13 else boot_partitions.bookworm
    boot = lay_out(tmp_path / "boot", kernels=())
    config, secret = tmp_path / "galago.toml", tmp_path / "secret"
    config.write_text(CONFIGURATION)
    secret.write_text(f"{SECRET}\n")
    request = Request(
        model,
        config,
        Settings("porch", "ada", image.key.with_suffix(".pub").read_text().strip(), WIFI),
        {"web": secret},
        target="trixie-x86_64" if on_13 else "bookworm-x86_64",
    )
    flash(boot, request, CACHE)
    (tmp_path / "reads").mkdir()
    return Card(image, write_fat(boot, tmp_path / "bootfs.img"), tmp_path / "reads")


def is_done(vm: VM) -> bool:
    """Whether the first boot's unit is gone, and nobody is at it any more."""
    asked = vm.ended(f"test -e /etc/systemd/system/{UNIT} && exit; systemctl is-active {UNIT}")
    return asked.stdout.strip() in {"inactive", "failed"}


def check_installed(
    vm: VM, card: Card, before: dict[str, bytes], record: Record, *, whole: bool = True
) -> None:
    """The service is well, and has seen; nothing secret is on the card, and nothing of ours.

    But for the report; `before`: what the card has without Galago, `whole`: and has again.
    """
    service = Service(vm)
    took_s = vm.wait_for(lambda: is_done(vm), INSTALLED_S, every_s=2.0)
    record(f"from the first login on {took_s:.0f} s until it is installed and well")
    assert vm.run(f"tail -n 1 /boot/firmware/{LOG}").strip() == "done"
    service.wait_for_frames()
    assert service.events()
    assert vm.run("hostname").strip() == "porch"
    # Not by a login: sshd has no PAM here, and without it refuses an account with no password.
    assert "ada" in vm.run("id ada")
    key = card.image.key.with_suffix(".pub").read_text().strip()
    assert key in vm.run("cat ~ada/.ssh/authorized_keys")
    assert vm.run("stat -c '%U %a' ~ada/.ssh/authorized_keys").strip() == "ada 600"
    assert vm.run("cat /etc/galago/secrets/web").strip() == SECRET
    vm.run("sync")
    content = card.content()
    left = {name: data for name, data in content.items() if name != LOG}
    if whole:
        assert left == before
    else:  # FAT has no journal: a cut may cost a file its content, which is then in one of fsck's
        assert {name for name in left if not name.startswith("FSCK")} == set(before)
    assert not any(WIFI.psk.encode() in data for data in content.values())
    # Not in what FAT has freed, either: each was overwritten where it lay.
    raw = card.disk.read_bytes()
    assert WIFI.psk.encode() not in raw
    assert SECRET.encode() not in raw


def check_second_boot(vm: VM, card: Card) -> None:
    """It changes nothing, and the service looks."""
    before = vm.run(_LIST, timeout_s=INSTALLED_S).splitlines()
    vm.shut_down()
    card.switch_on(vm)
    Service(vm).wait_for_frames()
    assert vm.run(_LIST, timeout_s=INSTALLED_S).splitlines() == before


def test_a_card_with_cloud_init(model_path: Path, tmp_path: Path, record: Record) -> None:
    """Raspberry Pi OS 13's form: on, a first event without a login; and once more."""
    card = flashed("cloud-init", tmp_path, model_path)
    before = plain(card)
    with card.in_a_machine() as vm:
        card.switch_on(vm)
        check_installed(vm, card, before, record)
        assert WIFI.psk in vm.run("cat /etc/netplan/*.yaml")
        check_second_boot(vm, card)
        assert WIFI.psk in vm.run("cat /etc/netplan/*.yaml")


def test_a_card_with_cloud_init_whose_power_goes(
    model_path: Path, tmp_path: Path, record: Record
) -> None:
    """While the environment is made: the next boot goes on with it, without being told."""
    card = flashed("cloud-init", tmp_path, model_path)
    before = plain(card)
    with card.in_a_machine() as vm:
        card.switch_on(vm)
        vm.wait_for(lambda: vm.ended("ls -d /opt/galago.d/*/bin").returncode == 0, INSTALLED_S)
        vm.cut()
        card.switch_on(vm)
        check_installed(vm, card, before, record, whole=False)


def test_a_card_with_a_first_run_script(model_path: Path, tmp_path: Path, record: Record) -> None:
    """Raspberry Pi OS 12's form: one boot for the script, which then is gone, one for Galago."""
    card = flashed("firstrun", tmp_path, model_path)
    before = plain(card)
    with card.in_a_machine() as vm:
        vm.append = card.words()
        assert "systemd.run=/boot/firmware/firstrun.sh" in vm.append
        vm.power_on()
        vm.wait_for_end()  # it reboots
        assert card.words() == ""
        assert "firstrun.sh" not in card.content()
        card.switch_on(vm)
        check_installed(vm, card, before, record)
        check_second_boot(vm, card)


def plain(card: Card) -> dict[str, bytes]:
    """What a card of that image has before Galago was there."""
    on_13 = "user-data" in card.content()
    lay_out = boot_partitions.trixie if on_13 else boot_partitions.bookworm
    folder = lay_out(card.folder / "plain", kernels=())
    return {path.name: path.read_bytes() for path in folder.iterdir()}
