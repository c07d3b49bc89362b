"""A flashed card, from power on to the first event, on both systems; and what is left of it.

- The kernel's command line is the one that is on the card, as a Pi's firmware would give it.
- The systems are real: cloud-init 25.1 on Debian 13, systemd's own first-boot command on Debian 12.
  What Raspberry Pi OS has beside them is not there; those parts of a script take their other way.
- Nothing can be reached from the machine: there is no network to wait for.
"""

from dataclasses import dataclass
from pathlib import Path

from galago.deploy.card.flash import Request, flash
from galago.deploy.card.hook import UNIT
from galago.deploy.card.settings import Settings, Wifi
from galago.edge.web.password import hashed
from tests.deploy.conftest import CACHE
from tests.virtual_pi import boot_partitions
from tests.virtual_pi.conftest import needs_virtual_pi
from tests.virtual_pi.fat import read_fat, write_fat
from tests.virtual_pi.image import Image, Variant, build
from tests.virtual_pi.vm import VM

INSTALLED_S = 900.0  # emulated: pip unpacks, a child process verifies
WIFI = Wifi.of("my home", "correct horse", "DE")
SECRET = "a broker's password"  # noqa: S105 - planted, to be looked for
CONFIGURATION = """
device = "porch"

[camera]
source = "fake:bars*1000000?fps=5"

[web]
password = "credential:web"
"""
# Of both partitions' files; not what a boot leaves anew: logs, journals, seeds, what runs.
_LIST = (
    "find /etc /opt/galago.d /boot/firmware /var/lib/private/galago/models /home /root -xdev"
    " -type f -print0 | sort -z | xargs -0 sha256sum; ls -l /boot/firmware /opt"
)


@dataclass(frozen=True)
class Card:
    """A flashed card: the file of its boot partition, and what the firmware reads from it."""

    image: Image
    disk: Path
    folder: Path

    def command_line(self) -> str:
        """What differs from the words that the virtual machine's own hardware needs."""
        read = self.folder / f"read-{len(list(self.folder.iterdir()))}"
        words = (read_fat(self.disk, read) / "cmdline.txt").read_text().split()
        return " ".join(word for word in words if word.startswith("systemd."))


def flashed(variant: Variant, tmp_path: Path, model: Path, **settings: str) -> Card:
    """A card of either system with a configuration, a secret, Wi-Fi, and what `settings` says."""
    needs_virtual_pi()
    image = build("amd64", variant)
    lay_out = boot_partitions.trixie if variant == "cloud-init" else boot_partitions.bookworm
    boot = lay_out(tmp_path / "boot", kernels=())
    config, secret = tmp_path / "galago.toml", tmp_path / "secret"
    config.write_text(CONFIGURATION)
    secret.write_text(SECRET)
    release = "trixie" if variant == "cloud-init" else "bookworm"
    request = Request(
        model,
        config,
        Settings(wifi=WIFI, key=image.key.with_suffix(".pub").read_text().strip(), **settings),
        {"web": secret},
        target=f"{release}-x86_64",
    )
    flash(boot, request, CACHE)
    (tmp_path / "reads").mkdir()
    return Card(image, write_fat(boot, tmp_path / "bootfs.img"), tmp_path / "reads")


def is_done(vm: VM) -> bool:
    """Whether the first boot's unit is gone, and nobody is at it any more."""
    asked = vm.ended(f"test -e /etc/systemd/system/{UNIT} || systemctl is-active {UNIT}")
    return asked.stdout.strip() in {"inactive", "failed"}
