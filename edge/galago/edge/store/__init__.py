"""Events, pictures and minutes on the disk: SQLite, one writer, never in the way of the loop."""
