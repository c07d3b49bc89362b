"""What Raspberry Pi OS 12 runs at its first boot: firstrun.sh, named in the kernel's command line.

- Settings are made as Imager makes them, by the system's own imager_custom and userconf; where
  these are missing, as on Debian itself, by hand.
- Imager's own firstrun.sh stays as it is, but for one line that calls our hook; its settings are
  not made a second time.
- The script has itself forgotten before it goes: the command line first, then the file. Interrupted
  anywhere, it is run again, or is not named any more.

Sources: rpi-imager, src/customization_generator.cpp; RPi-Distro/raspberrypi-sys-mods:
imager_custom, local-bottom/imager_fixup; RPi-Distro/userconf-pi: userconf;
systemd-run-generator(8).
"""

import re
import shlex
from collections.abc import Iterator

from galago.deploy.card.boot import COMMAND_LINE
from galago.deploy.card.hook import MARK, MOUNTED, SCRIPT
from galago.deploy.card.partition import FOLDER, Partition
from galago.deploy.card.settings import Settings, Wifi
from galago.errors import UsageError

FILE = "firstrun.sh"
_RUN = f"systemd.run={MOUNTED}/{FILE}"
_WORDS = (_RUN, "systemd.run_success_action=reboot", "systemd.unit=kernel-command-line.target")
# Imager's path is of before 12; imager_fixup in the initramfs makes it the one of now.
_IMAGERS = (_RUN, f"systemd.run=/boot/{FILE}")
_CALL = f"sh {MOUNTED}/{FOLDER}/{SCRIPT} || true  # {MARK}"
_TAKEN = {
    "--wifi": r"set_wlan|wpa_supplicant|nmconnection",
    "--hostname": r"set_hostname|/etc/hostname",
    "--user and --ssh-key": r"userconf|enable_ssh|authorized_keys|chpasswd",
}

_BEGIN = f"""\
#!/bin/sh
# {MARK}: run once, by systemd, before the first usual boot.
set +e
"""
_CUSTOM = "custom=/usr/lib/raspberrypi-sys-mods/imager_custom\n"
_HOSTNAME = """\
if [ -f "$custom" ]; then
    "$custom" set_hostname {name}
else
    echo {name} >/etc/hostname
    sed -i "s/^127\\.0\\.1\\.1.*/127.0.1.1\\t"{name}/ /etc/hosts
fi
"""
_USER = """\
if [ -f "$custom" ]; then
    "$custom" enable_ssh -k {key}
    /usr/lib/userconf-pi/userconf {user} ''
else
    id {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --groups sudo,video {user}
    home=$(getent passwd {user} | cut -d: -f6)
    keys=$home/.ssh/authorized_keys
    mkdir -p "$home/.ssh"
    grep -qxF {key} "$keys" 2>/dev/null || echo {key} >>"$keys"
    chmod 700 "$home/.ssh"
    chmod 600 "$keys"
    chown -R {user}: "$home/.ssh"
    systemctl -q enable ssh
fi
"""
_WIFI = """\
if [ -f "$custom" ]; then
    "$custom" set_wlan {ssid} {psk} {country}
elif [ -d /etc/NetworkManager ]; then
    umask 077
    mkdir -p /etc/NetworkManager/system-connections
    cat >/etc/NetworkManager/system-connections/preconfigured.nmconnection <<'EOF'
[connection]
id=preconfigured
type=wifi
[wifi]
mode=infrastructure
ssid={name}
[wifi-security]
key-mgmt=wpa-psk
psk={psk}
[ipv4]
method=auto
[ipv6]
method=auto
EOF
    umask 022
fi
"""
# The length, and so the clusters, stay as they are: what is overwritten is what was there. In
# braces, since a shell reads them to their end before it begins.
_END = f"""\
{_CALL}
{{
    sync
    sed -i 's| systemd\\.run[^ ]*||g; s| systemd\\.unit=kernel-command-line\\.target||' \\
        {MOUNTED}/{COMMAND_LINE}
    sync
    size=$(wc -c <{MOUNTED}/{FILE})
    head -c "$size" /dev/zero | tr '\\0' '#' | dd of={MOUNTED}/{FILE} conv=notrunc,fsync 2>/dev/null
    rm -f {MOUNTED}/{FILE}
    sync
    exit 0
}}
"""


def check(partition: Partition, settings: Settings) -> None:
    """See that nothing on the card says otherwise, before anything is written.

    Raises:
        UsageError: something does.
    """
    theirs = partition.original(FILE, MARK)
    wanted = {
        "--wifi": settings.wifi,
        "--hostname": settings.hostname,
        "--user and --ssh-key": settings.key,
    }
    for option in [option for option, value in wanted.items() if value and theirs]:
        if re.search(_TAKEN[option], theirs or ""):
            raise UsageError(
                f"{FILE} on the card sets that already (Imager?): leave out {option}, or write the "
                "card anew without settings"
            )
    if theirs is not None and not re.match(r"#!\s*/(usr/)?bin/(env )?(ba|da)?sh\b", theirs):
        raise UsageError(f"{FILE} on the card is no shell script: take it away first")
    others = [word for word in _words(partition) if word.startswith("systemd.run=")]
    if others and others[0] not in _IMAGERS:
        raise UsageError(
            f"{COMMAND_LINE} on the card runs something else at its first boot, {others[0]}: take "
            "that out, or write the card anew"
        )


def write(partition: Partition, settings: Settings) -> None:
    """Put the script on the card, and its name into the kernel's command line."""
    theirs = partition.original(FILE, MARK)
    partition.replace(FILE, joined(theirs, settings) if theirs else script(settings), MARK)
    words = _words(partition)
    if not set(words) & set(_IMAGERS):
        # One line: the firmware reads no second one.
        partition.write(COMMAND_LINE, " ".join((*words, *_WORDS)) + "\n")


def script(settings: Settings) -> str:
    """A script of our own."""
    return "".join((_BEGIN, *_settings(settings), _END))


def joined(theirs: str, settings: Settings) -> str:
    """Their script, with ours called behind its first line: whatever its end does, it comes late.

    imager_fixup replaces what follows the line that removes the script; here it finds that line.
    """
    first, _, rest = theirs.partition("\n")
    return "".join((f"{first}\n", *_settings(settings), f"{_CALL}\n{rest}"))


def _settings(settings: Settings) -> Iterator[str]:
    if settings.hostname or settings.key or settings.wifi:
        yield _CUSTOM
    if settings.hostname:
        yield _HOSTNAME.format(name=shlex.quote(settings.hostname))
    if settings.key:
        user, key = shlex.quote(settings.user or "pi"), shlex.quote(settings.key)
        yield _USER.format(user=user, key=key)
    if settings.wifi:
        yield _wifi(settings.wifi)


def _wifi(wifi: Wifi) -> str:
    quoted = shlex.quote(wifi.ssid)
    return _WIFI.format(ssid=quoted, name=wifi.ssid, psk=wifi.psk, country=wifi.country)


def _words(partition: Partition) -> list[str]:
    return (partition.root / COMMAND_LINE).read_text("utf-8").split()
