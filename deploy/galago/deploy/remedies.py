"""What to do about what ssh says, in the words of somebody who has not met it before.

The patterns are OpenSSH's own wording (sshconnect.c, sshconnect2.c, misc.c), which has stayed the
same for decades; of what is not listed, the last line is repeated as it is.
"""

import re

from galago.deploy.address import Address

_REMEDIES = {
    r"REMOTE HOST IDENTIFICATION HAS CHANGED": (
        "the machine shows another key than before: if its card was written anew, forget the old "
        "key with ssh-keygen -R NAME and log in once by hand; if not, another machine answers here"
    ),
    r"Host key verification failed|No \S+ host key is known": (
        "this machine does not know its key yet: log in once by hand (ssh HOST) and compare it"
    ),
    r"Permission denied|Too many authentication failures": (
        "none of your keys is accepted: copy one with ssh-copy-id HOST, or run this in a terminal, "
        "where ssh can ask for a password"
    ),
    r"Connection refused": (
        "the machine is on, but no ssh answers: switch it on there with sudo raspi-config, "
        "Interface Options"
    ),
    r"Could not resolve hostname": (
        "nobody has that name: is it switched on and in this network? Try its number instead"
    ),
    r"timed out|Timeout|No route to host|Network is unreachable|Host is down": (
        "nothing answers: is it switched on and in this network?"
    ),
    r"closed by|Connection reset|Broken pipe|lost connection": (
        "the connection was lost: has it lost its power or its network? The same command goes on "
        "from where it was"
    ),
    r"No space left on device": "its disk is full",
    r"subsystem request failed|sftp-server": "it has no sftp: sudo apt install openssh-server",
}


def explained(said: str, address: Address) -> str:
    """One line of what ssh or scp has written, be it nothing or many lines, and what helps."""
    lines = [line.strip() for line in said.splitlines() if line.strip(" @\r")]
    for pattern, remedy in _REMEDIES.items():
        for line in lines:
            if re.search(pattern, line):
                fit = remedy.replace("HOST", str(address)).replace("NAME", address.host)
                return f"{line.strip('@ .!').removeprefix('WARNING: ')}: {fit}"
    return lines[-1] if lines else "ssh ended without a word"
