"""Answers in JSON: status, events, pictures and what people say of them, shares, minutes."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from galago.edge.record import StoredEvent
from galago.edge.store.reader import Reader, mark
from galago.edge.web.desk import Desk
from galago.edge.web.documents import EventDocument, of_event, of_minute, of_share, of_snapshot
from galago.edge.web.route import Call
from galago.edge.web.schema import WrongRequestError

MAX_SPANS = 1500
_TOLD_AT_ONCE = 50


async def status(desk: Desk, _call: Call) -> Response:
    """The status document."""
    return _json(await desk.daemon.status())


async def events(desk: Desk, call: Call) -> Response:
    """Newest first."""

    def find(reader: Reader) -> list[EventDocument]:
        values = call.values
        found = reader.events(values.get("before"), values["limit"], values.get("label"))
        return with_pictures(reader, found)

    return _json(await desk.library.read(find))


async def event(desk: Desk, call: Call) -> Response:
    """One event."""

    def find(reader: Reader) -> list[EventDocument]:
        found = reader.event(call.values["number"])
        return with_pictures(reader, [found] if found else [])

    found = await desk.library.read(find)
    return _json(found[0]) if found else missing("event")


def events_after(reader: Reader, number: int) -> list[EventDocument]:
    """Oldest first, some of them."""
    return with_pictures(reader, reader.events_after(number, _TOLD_AT_ONCE))


def with_pictures(reader: Reader, found: Sequence[StoredEvent]) -> list[EventDocument]:
    """Events with what is known of the pictures that they name."""
    named = ((stored, stored.event.snapshot) for stored in found)
    return [of_event(stored, reader.snapshot(name) if name else None) for stored, name in named]


async def snapshots(desk: Desk, call: Call) -> Response:
    """Newest first."""
    values = call.values
    found = await desk.library.read(
        lambda reader: reader.snapshots(
            values.get("kind"),
            unmarked=values["unmarked"],
            marked=values["marked"],
            before_name=values.get("before"),
            limit=values["limit"],
        )
    )
    return _json([of_snapshot(snapshot) for snapshot in found])


async def snapshot(desk: Desk, call: Call) -> Response:
    """One picture's document."""
    found = await desk.library.read(lambda reader: reader.snapshot(call.values["name"]))
    return _json(of_snapshot(found)) if found else missing("picture")


async def set_truth(desk: Desk, call: Call) -> Response:
    """Say what a picture shows."""
    name, truth = call.values["name"], call.body["truth"]
    if truth:
        labels = (await desk.daemon.status())["model"]["labels"]
        if truth not in labels:
            raise WrongRequestError(
                f'truth must be a label of the model ({", ".join(labels)}), "" for "not that", or '
                "null"
            )
    folder = desk.library.folder
    if not await desk.library.read(lambda _reader: mark(folder, name, truth)):
        return missing("picture")
    return await snapshot(desk, call)


async def shares(desk: Desk, call: Call) -> Response:
    """For how long each label was seen, by spans of time."""
    since, until, step = (call.values[name] for name in ("since", "until", "step"))
    if not since < until <= since + step * MAX_SPANS:
        raise WrongRequestError(f"until must be after since, by {MAX_SPANS} steps at most")
    found = await desk.library.read(lambda reader: reader.shares(since, until, step))
    return _json([of_share(*row) for row in found])


async def minutes(desk: Desk, call: Call) -> Response:
    """The minute table."""
    since, until = call.values["since"], call.values["until"]
    if not since < until <= since + MAX_SPANS:
        raise WrongRequestError(f"until must be after since, by {MAX_SPANS} minutes at most")
    found = await desk.library.read(lambda reader: reader.minutes(since, until))
    return _json([of_minute(minute) for minute in found])


async def well(_desk: Desk, _call: Call) -> Response:
    """For whoever watches over processes."""
    return _json({"status": "ok"})


def missing(what: str) -> Response:
    """There is none of that name."""
    return refusal(404, f"there is no such {what}")


def refusal(status: int, error: str, headers: dict[str, str] | None = None) -> Response:
    """Why there is no other answer."""
    headers = {"cache-control": "no-store"} | (headers or {})
    return JSONResponse({"error": error}, status, headers)


def _json(document: Any) -> Response:
    return JSONResponse(document, headers={"cache-control": "no-store"})
