"""Pictures: live and kept, the stream of news, and what Prometheus reads."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import FileResponse, Response

from galago.edge.snapshots.place import files, name_of
from galago.edge.web.api import events_after, missing, refusal
from galago.edge.web.desk import Desk, NoDatabaseError
from galago.edge.web.export import training_zip
from galago.edge.web.guard import may_still
from galago.edge.web.route import Call
from galago.edge.web.shared import Stream
from galago.edge.web.wire import Shot

MJPEG = "multipart/x-mixed-replace"

_BOUNDARY = "frame"
_NUMBER = re.compile(r"[0-9]{1,15}")
_MEDIA = {".jpg": "image/jpeg", ".webm": "video/webm"}
_FOR_EVER = {"cache-control": "private, max-age=31536000, immutable"}  # a name is used once


async def live(desk: Desk, call: Call) -> Response:
    """MJPEG. Each part tells when its picture was taken: who shows it can say that it is old."""
    if desk.shots.is_full:
        return _full()

    async def parts() -> AsyncIterator[bytes]:
        async for shot in desk.shots.values():
            if not may_still(desk, call.request):
                return
            if shot is not None:
                yield _part(shot)

    return Stream(parts, {"content-type": f"{MJPEG}; boundary={_BOUNDARY}"})


def _part(shot: Shot) -> bytes:
    head = (
        f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(shot.jpeg)}\r\n"
        f"X-Time: {shot.time_ms}\r\n\r\n"
    )
    return head.encode() + shot.jpeg + b"\r\n"


async def still(desk: Desk, _call: Call) -> Response:
    """One picture of now."""
    shot = await desk.daemon.picture()
    if shot is None:
        return refusal(503, "the camera gives no picture now", {"retry-after": "5"})
    headers = {"cache-control": "no-store", "x-time": str(shot.time_ms)}
    return Response(shot.jpeg, media_type="image/jpeg", headers=headers)


async def news(desk: Desk, call: Call) -> Response:
    """Server-sent events: the status each second, new events as they come."""
    if desk.news.is_full:
        return _full()
    # A browser that connects again tells which event it has seen last.
    last = call.request.headers.get("last-event-id", "")
    known = int(last) if _NUMBER.fullmatch(last) else call.values.get("after")

    async def parts() -> AsyncIterator[bytes]:
        number = known
        yield b"retry: 2000\n\n"
        async for kind, document in desk.news.values():
            if not may_still(desk, call.request):
                return
            yield _message(kind, document)
            try:
                number, told = await _since(desk, number)
            except NoDatabaseError:  # the status says so as well
                continue
            for event in told:
                yield _message("event", event, event["number"])

    return Stream(parts, {"content-type": "text/event-stream; charset=utf-8"})


async def _since(desk: Desk, number: int | None) -> tuple[int, list[Any]]:
    """The events after `number`, and the number of the last one; None: from now on."""
    if number is None:
        return await desk.library.read(lambda reader: reader.last()), []
    found = await desk.library.read(lambda reader: events_after(reader, number))
    return (found[-1]["number"] if found else number), found


def _message(kind: str, document: Any, number: int | None = None) -> bytes:
    head = f"event: {kind}\n" + ("" if number is None else f"id: {number}\n")
    return f"{head}data: {json.dumps(document, ensure_ascii=False)}\n\n".encode()


async def picture(desk: Desk, call: Call) -> Response:
    """A file of a kept picture; only names that the database knows are looked for."""
    file = call.values["file"]
    named = name_of(file)
    if named is None:
        return missing("picture")
    name, _suffix = named
    known = await desk.library.read(lambda reader: reader.snapshot(name))
    path = {path.name: path for path in files(desk.library.folder, name)}[file]
    if known is None or not await asyncio.to_thread(path.is_file):
        return missing("picture")
    return FileResponse(path, media_type=_MEDIA[path.suffix], headers=_FOR_EVER)


async def training(desk: Desk, _call: Call) -> Response:
    """All marked pictures as a dataset."""
    headers = {
        "content-type": "application/zip",
        "content-disposition": 'attachment; filename="galago-marked.zip"',
    }
    return Stream(lambda: training_zip(desk.library), headers)


async def metrics(desk: Desk, _call: Call) -> Response:
    """What Prometheus reads."""
    # Imported when it is first asked for: most pages are never scraped.
    from galago.edge.vitals.metrics import CONTENT_TYPE, exposition  # noqa: PLC0415

    text = exposition(await desk.daemon.status())
    return Response(text, headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})


def _full() -> Response:
    return refusal(503, "too many look at once: close another window", {"retry-after": "10"})
