"""What both forms of a first boot do for Galago: put one unit in place, and let it do the rest.

- The unit runs the installer that is on the card, with the system's Python, out of Galago's wheel:
  no network, no package, nothing that was not carried.
- It runs when /boot/firmware is mounted, whoever has started it, and again at the next boot until
  it is done: an interrupted first boot is gone on with.
- Nothing in it is secret, and nothing differs between two cards with the same version.

Sources: systemd.unit(5), systemd.service(5).
"""

UNIT = "galago-first-boot.service"
SCRIPT = "hook.sh"
MOUNTED = "/boot/firmware"  # of Raspberry Pi OS since 12
MARK = "Written by galago flash"

_UNIT = """\
# {mark}: installs what lies in {mounted}/galago, and then goes.

[Unit]
Description=Galago, installed from this card at its first boot
RequiresMountsFor={mounted}
# A hostname and users that cloud-init gives are there before.
After=systemd-udevd.service cloud-init.service cloud-init-network.service{after}
ConditionPathExists={wheel}
StartLimitIntervalSec=0
{wants}
[Service]
# Not oneshot: the rest of the boot, and cloud-init's last stage, would wait for it.
Type=exec
Environment=PYTHONPATH={wheel} PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8
ExecStart=/usr/bin/python3 -P -m galago.deploy.card.first_boot {mounted}
# What failed may have been a card that is full, or still busy. 3: all is installed, and the service
# is not well, which no second try changes.
Restart=on-failure
RestartSec=120
RestartPreventExitStatus=3
StandardOutput=journal+console
SyslogIdentifier=galago-first-boot

[Install]
WantedBy=multi-user.target
"""

_SCRIPT = """\
#!/bin/sh
# {mark}: puts the unit in place that installs what lies in this folder.
# With "start": starts it, too. Doing it again changes nothing.
set -e
unit={unit}
from={mounted}/galago/$unit
to=/etc/systemd/system/$unit
[ -f "$from" ] || exit 0
cp "$from" "$to"
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -sf "$to" "/etc/systemd/system/multi-user.target.wants/$unit"
sync
if [ "$1" = start ]; then
    systemctl daemon-reload
    systemctl start --no-block "$unit"
fi
"""


def unit(wheel: str, *, online: bool) -> str:
    """The unit's text. `wheel`: its path on the device; `online`: the installer needs a network."""
    return _UNIT.format(
        mark=MARK,
        mounted=MOUNTED,
        wheel=wheel,
        after=" network-online.target" if online else "",
        wants="Wants=network-online.target\n" if online else "",
    )


def script() -> str:
    """The script's text."""
    return _SCRIPT.format(mark=MARK, unit=UNIT, mounted=MOUNTED)
