"""Skeleton: see the next commit."""

from typing import Any, Self


class Publishers:
    def facts(self) -> list[Any]:
        return []

    def put(self, event: Any) -> None: ...
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


def open_publishers(*_: Any) -> Publishers:
    return Publishers()
