"""A card with Raspberry Pi OS, prepared through its boot partition: what `galago flash` writes.

boot.py       what the partition is: release, word size, how its first boot is told what to do
settings.py   Wi-Fi, hostname, user and key, each checked
cloudinit.py  the files that Raspberry Pi OS 13 reads; firstrun.py: those of 12
partition.py  files on the partition, and what they were before
flash.py      all of it, in order
first_boot.py the other end: runs on the device, once
"""
