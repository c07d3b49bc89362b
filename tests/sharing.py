"""Which tests go to the same process, where `make test` has several."""

from xdist.scheduler import LoadScopeScheduling

# These share environments and wheels in .cache, or machines: one process at a time.
_TOGETHER = ("tests/house/", "tests/deploy/", "tests/service/")


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """A file's tests stay together, for they share what takes long to make."""

    def _split_scope(self, nodeid: str) -> str:
        return "together" if nodeid.startswith(_TOGETHER) else nodeid.split("::", 1)[0]
