"""Which model serves: verified before it may, watched while it is new, replaced if it fails."""
