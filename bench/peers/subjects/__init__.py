"""The peers. Each module is run by the Python of its own environment; none imports another's."""
