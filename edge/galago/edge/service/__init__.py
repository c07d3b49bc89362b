"""What the daemon tells systemd, and how its lines look in the journal."""
