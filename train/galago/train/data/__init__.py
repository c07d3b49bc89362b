"""From files on a disk to prepared pictures with labels, split honestly."""
