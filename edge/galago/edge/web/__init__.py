"""The status page, in a process of its own: whatever its visitors do, the loop does not notice."""
