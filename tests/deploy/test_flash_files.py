"""The files that a first boot reads: exactly these, beside what others have written."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from galago.deploy.card import cloudinit, firstrun, hook
from galago.deploy.card.partition import Partition, fat_name
from galago.deploy.card.settings import Settings, Wifi, read_key
from galago.errors import UsageError
from tests.virtual_pi.boot_partitions import bookworm, trixie, with_imagers_settings

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1NQ8s7rgjgJwWiXEk+2VKuVu51nwxjLySA81RCAUYy me@desk"
HOME = Wifi.of('it\'s a "home"', "correct horse", "de")
ALL = Settings("porch", "ada", KEY, HOME)
HOOK = "#!/bin/sh\nexec sh /boot/firmware/galago/hook.sh start\n"


@pytest.fixture
def on_13(tmp_path: Path) -> Partition:
    return Partition(trixie(tmp_path / "13"))


@pytest.fixture
def on_12(tmp_path: Path) -> Partition:
    return Partition(bookworm(tmp_path / "12"))


def content(partition: Partition) -> dict[str, bytes]:
    return {
        path.relative_to(partition.root).as_posix(): path.read_bytes()
        for path in partition.root.rglob("*")
        if path.is_file()
    }


def parts_of(text: str) -> list[dict[str, str]]:
    first, second, rest = text.split("\n", 2)
    assert (first, second) == ("#cloud-config-archive", "# Written by galago flash.")
    parts: list[dict[str, str]] = json.loads(rest)
    return parts


# --- settings ---


def test_the_wifis_password_becomes_its_key() -> None:
    """The standard's own example; and a key is taken as it is."""
    example = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    assert Wifi.of("IEEE", "password", "DE").psk == example
    assert Wifi.of("IEEE", example.upper(), "DE").psk == example
    assert example not in repr(Wifi.of("IEEE", "password", "DE"))


@pytest.mark.parametrize(
    ("ssid", "password", "country", "why"),
    [
        ("", "password", "DE", "a network's name of 1 to 32 bytes"),
        ("é" * 17, "password", "DE", "a network's name of 1 to 32 bytes"),
        ("two\nlines", "password", "DE", "a network's name of 1 to 32 bytes"),
        ("home", "short", "DE", "expected 8 to 63 letters, digits and signs .ASCII., received 5"),
        ("home", "pässword", "DE", "expected 8 to 63"),
        ("home", "password", None, "received none: without it the radio stays off"),
        ("home", "password", "Germany", "expected the two letters of a country"),
    ],
)
def test_wifi_that_cannot_be_is_refused(
    ssid: str, password: str, country: str | None, why: str
) -> None:
    """Here, and not by a Pi that never appears."""
    with pytest.raises(UsageError, match=why) as caught:
        Wifi.of(ssid, password, country)
    assert password not in str(caught.value)


def test_names_that_no_system_takes_are_refused() -> None:
    """And a user without a key, whom nobody could be."""
    for name in ("", "-porch", "porch.local", "a" * 64, "x\ny"):
        with pytest.raises(UsageError, match="--hostname: expected letters, digits and hyphens"):
            Settings(hostname=name)
    for name in ("root", "Ada", "1st", "a b"):
        with pytest.raises(UsageError, match="--user: expected small letters"):
            Settings(user=name, key=KEY)
    with pytest.raises(UsageError, match="--user without --ssh-key: nobody could log in"):
        Settings(user="ada")


def test_only_a_public_key_is_carried(tmp_path: Path) -> None:
    """A private one is never read into anything."""
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert read_key(file) == KEY
    file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbg\n")
    with pytest.raises(UsageError, match=r"is a private key, which stays here: name .*key\.pub"):
        read_key(file)
    file.write_text("ssh-ed25519 AAAA\nssh-rsa BBBB\n")
    with pytest.raises(UsageError, match="is not a public key: expected one line"):
        read_key(file)


# --- Raspberry Pi OS 13 ---


def test_cloud_init_gets_a_hook_and_nothing_else(on_13: Partition) -> None:
    """Without settings, everything that was on the card stays as it was."""
    before = content(on_13)
    cloudinit.check(on_13, Settings())
    cloudinit.write(on_13, Settings(), online=False)
    text = content(on_13).pop("vendor-data").decode()
    assert parts_of(text) == [{"type": "text/cloud-boothook", "content": HOOK}]
    assert {n: c for n, c in content(on_13).items() if n != "vendor-data"} == before


def test_cloud_init_gets_what_imager_would_say(on_13: Partition) -> None:
    """Hostname, a user with a key and no password, ssh; user-data is not ours to touch."""
    before = content(on_13)
    cloudinit.check(on_13, ALL)
    cloudinit.write(on_13, ALL, online=False)
    hooked, config = parts_of(content(on_13)["vendor-data"].decode())
    assert hooked["content"] == HOOK
    first, _, rest = config["content"].partition("\n")
    said = json.loads(rest)
    assert (config["type"], first) == ("text/cloud-config", "#cloud-config")
    assert (said["hostname"], said["manage_etc_hosts"]) == ("porch", True)
    assert (said["enable_ssh"], said["ssh_pwauth"]) == (True, False)
    (user,) = said["users"]
    assert (user["name"], user["lock_passwd"], user["ssh_authorized_keys"]) == ("ada", True, [KEY])
    assert content(on_13)["user-data"] == before["user-data"]


def test_wifi_is_a_network_of_netplans(on_13: Partition) -> None:
    """With its key, not its password; nothing waits for it; what was there is kept."""
    before = content(on_13)["network-config"]
    cloudinit.write(on_13, ALL, online=False)
    text = content(on_13)["network-config"].decode()
    assert (
        text
        == f"""\
# Written by galago flash; the network's key is taken out of this file after the first boot.
network:
  version: 2
  ethernets:
    eth0:
      dhcp4: true
      optional: true
  wifis:
    wlan0:
      dhcp4: true
      optional: true
      regulatory-domain: "DE"
      access-points:
        "it's a \\"home\\"":
          password: "{HOME.psk}"
"""
    )
    assert content(on_13)["galago/before/network-config"] == before
    cloudinit.write(on_13, ALL, online=True)
    assert (
        "    wlan0:\n      dhcp4: true\n      optional: false\n"
        in content(on_13)["network-config"].decode()
    )
    cloudinit.write(on_13, Settings(), online=False)
    assert content(on_13)["network-config"] == before


def test_imagers_settings_survive_and_win(on_13: Partition) -> None:
    """Its user-data is as it was; what it says already cannot be said again."""
    with_imagers_settings(on_13.root)
    before = content(on_13)["user-data"]
    with pytest.raises(UsageError, match=r"says hostname already \(Imager\?\): leave out --hostn"):
        cloudinit.check(on_13, Settings(hostname="porch"))
    with pytest.raises(UsageError, match=r"says users already .* leave out --user and --ssh-key"):
        cloudinit.check(on_13, Settings(key=KEY))
    cloudinit.check(on_13, Settings(wifi=HOME))
    cloudinit.write(on_13, Settings(wifi=HOME), online=False)
    assert content(on_13)["user-data"] == before


def test_a_network_of_somebodys_is_not_replaced(on_13: Partition) -> None:
    """But for what some versions of the image say by themselves."""
    file = on_13.root / "network-config"
    file.write_text(
        "network:\n  version: 2\n\n  ethernets:\n    eth0:\n      dhcp4: true\n"
        "      optional: true\n#  wifis:\n"
    )
    cloudinit.check(on_13, ALL)
    file.write_text(
        "network:\n  version: 2\n  ethernets:\n    eth0:\n      addresses: [10.0.0.2/24]\n"
    )
    with pytest.raises(UsageError, match="network-config on the card has settings already"):
        cloudinit.check(on_13, ALL)
    cloudinit.check(on_13, Settings(hostname="porch"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Content-Type: multipart/mixed\n", "is not a #cloud-config, so that nobody knows"),
        ("#cloud-config\nvendor_data: {enabled: false}\n", "switches vendor-data off"),
    ],
)
def test_user_data_that_would_have_ours_ignored_is_refused(
    on_13: Partition, text: str, why: str
) -> None:
    """Found out here, where it can be said."""
    (on_13.root / "user-data").write_text(text)
    with pytest.raises(UsageError, match=why):
        cloudinit.check(on_13, ALL)


def test_another_programs_vendor_data_is_not_replaced(on_13: Partition) -> None:
    """Whose it is, is for a person to know."""
    (on_13.root / "vendor-data").write_text("#cloud-config\n")
    with pytest.raises(UsageError, match="vendor-data on the card is another program's"):
        cloudinit.check(on_13, Settings())


def test_cloud_init_understands_it(on_13: Partition, tmp_path: Path) -> None:
    """Its own judge of both files, where it is installed."""
    if not shutil.which("cloud-init"):
        pytest.skip("the package cloud-init is not installed")
    cloudinit.write(on_13, Settings("porch", "ada", KEY, HOME), online=False)
    config = tmp_path / "config"
    config.write_text(parts_of(content(on_13)["vendor-data"].decode())[1]["content"])
    command = ["cloud-init", "schema", "--config-file", str(config)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    # `enable_ssh` is known to Raspberry Pi OS's cloud-init alone.
    errors = [line for line in done.stderr.splitlines() if "enable_ssh" not in line]
    assert not done.returncode or not any("Error" in line for line in errors[1:]), done.stderr


# --- Raspberry Pi OS 12 ---


def test_a_script_is_named_in_the_kernels_line(on_12: Partition) -> None:
    """Behind what is there, once, on one line."""
    before = content(on_12)["cmdline.txt"].decode().split()
    for _ in range(2):
        firstrun.check(on_12, ALL)
        firstrun.write(on_12, ALL)
        line = content(on_12)["cmdline.txt"].decode()
        assert line.count("\n") == 1
        assert line.split() == [
            *before,
            "systemd.run=/boot/firmware/firstrun.sh",
            "systemd.run_success_action=reboot",
            "systemd.unit=kernel-command-line.target",
        ]
    assert on_12.written == ["firstrun.sh", "cmdline.txt"]


def test_the_script_does_as_imagers_does(on_12: Partition) -> None:
    """By the system's own helpers, with everything quoted; and forgets itself at its end."""
    firstrun.write(on_12, ALL)
    text = content(on_12)["firstrun.sh"].decode()
    assert '"$custom" set_hostname porch\n' in text
    assert f"\"$custom\" enable_ssh -k '{KEY}'\n" in text
    assert "/usr/lib/userconf-pi/userconf ada ''\n" in text
    assert f"set_wlan 'it'\"'\"'s a \"home\"' {HOME.psk} DE\n" in text
    assert text.index("galago/hook.sh") < text.index("sed -i 's| systemd") < text.index("rm -f")
    assert text.splitlines()[-2:] == ["    exit 0", "}"]
    assert b"\r" not in content(on_12)["firstrun.sh"]


def test_imagers_script_gets_one_line(on_12: Partition) -> None:
    """All else is as it was, and the end that the system's initramfs looks for is still found."""
    with_imagers_settings(on_12.root)
    before = content(on_12)
    for _ in range(2):
        firstrun.check(on_12, Settings(wifi=HOME))
        firstrun.write(on_12, Settings())
    first, rest = before["firstrun.sh"].decode().split("\n", 1)
    call = "sh /boot/firmware/galago/hook.sh || true  # Written by galago flash"
    assert content(on_12)["firstrun.sh"].decode() == f"{first}\n{call}\n{rest}"
    assert content(on_12)["cmdline.txt"] == before["cmdline.txt"]
    assert content(on_12)["galago/before/firstrun.sh"] == before["firstrun.sh"]


def test_what_imagers_script_sets_is_not_set_again(on_12: Partition) -> None:
    """Only what it leaves open."""
    with_imagers_settings(on_12.root)
    with pytest.raises(UsageError, match=r"firstrun.sh on the card sets that already .*--hostname"):
        firstrun.check(on_12, Settings(hostname="porch"))
    firstrun.check(on_12, Settings(key=KEY, wifi=HOME))


def test_another_first_boot_is_not_replaced(on_12: Partition) -> None:
    """Neither another program's script, nor what is no script."""
    (on_12.root / "firstrun.sh").write_text("#!/usr/bin/python3\n")
    with pytest.raises(UsageError, match="is no shell script"):
        firstrun.check(on_12, Settings())
    (on_12.root / "firstrun.sh").unlink()
    (on_12.root / "cmdline.txt").write_text("root=/dev/sda systemd.run=/boot/other.sh\n")
    with pytest.raises(UsageError, match=r"something else at its first boot, systemd.run=/boot/o"):
        firstrun.check(on_12, Settings())


@pytest.mark.parametrize("judge", [("sh", "-n"), ("bash", "-n"), ("shellcheck",)])
def test_the_scripts_are_sound(tmp_path: Path, judge: tuple[str, ...]) -> None:
    """With and without settings, alone and joined with Imager's."""
    if not shutil.which(judge[0]):
        pytest.skip(f"the package {judge[0]} is not installed")
    with_imagers_settings(bookworm(tmp_path / "imagers"))
    theirs = (tmp_path / "imagers/firstrun.sh").read_text()
    scripts = {
        "hook.sh": hook.script(),
        "firstrun.sh": firstrun.script(ALL),
        "bare.sh": firstrun.script(Settings()),
        "joined.sh": firstrun.joined(theirs, Settings(key=KEY, wifi=HOME)),
    }
    for name, text in scripts.items():
        (tmp_path / name).write_text(text)
        command = [*judge, str(tmp_path / name)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert not done.returncode, done.stdout + done.stderr


def test_the_unit_is_sound(tmp_path: Path) -> None:
    """To systemd, which says unknown keys on standard error and ends well all the same."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("the package systemd is not installed")
    for online in (False, True):
        path = tmp_path / hook.UNIT
        path.write_text(hook.unit("/boot/firmware/galago/payload/wheels/g.whl", online=online))
        command = ["systemd-analyze", "verify", "--recursive-errors=no", str(path)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert hook.UNIT not in done.stderr, done.stderr


def test_a_name_is_made_fit_for_fat() -> None:
    """As near to what it was as can be."""
    assert fat_name("porch v2.tflite") == "porch v2.tflite"
    assert fat_name('a:b*"c"?.tflite. ') == "a_b__c__.tflite"
    assert fat_name("...") == "_"
