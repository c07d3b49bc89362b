"""The route table: all that the page answers to.

- The app, the API's document and the test of who may what are made from this table, and from
  nothing else.
"""

from typing import Final

from galago.edge.vitals.document import Status
from galago.edge.web import api, doors, media
from galago.edge.web.documents import (
    ErrorDocument,
    EventDocument,
    MinuteDocument,
    PictureDocument,
    ShareDocument,
    TruthDocument,
    WellDocument,
)
from galago.edge.web.openapi import document
from galago.edge.web.route import Access, Answer, Parameter, Route

_NAME: Final = r"^[0-9]{8}T[0-9]{6}\.[0-9]{3}Z_[A-Za-z0-9_-]{1,81}$"
_FILE: Final = r"^[0-9]{8}T[0-9]{6}\.[0-9]{3}Z_[A-Za-z0-9_-]{1,81}(\.small|\.crop)?\.(jpg|webm)$"
_LAST_MINUTE: Final = 100_000_000  # in the year 2160

_SILENT: Final = Answer(
    "The daemon does not answer, or the database cannot be read.", ErrorDocument
)
_MISSING: Final = Answer("There is none of that name.", ErrorDocument)
_WRONG: Final = Answer("A parameter is not as it must be.", ErrorDocument)


def _whole(name: str, text: str, low: int, high: int, default: int | None = None) -> Parameter:
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Parameter(name, schema | ({} if default is None else {"default": default}), text)


def _flag(name: str, text: str) -> Parameter:
    return Parameter(name, {"type": "boolean", "default": False}, text)


def _required(parameter: Parameter) -> Parameter:
    return Parameter(parameter.name, parameter.schema, parameter.description, required=True)


_LIMIT: Final = _whole("limit", "How many at most.", 1, 200, 50)
_SINCE: Final = _required(_whole("since", "UTC minutes since 1970.", 0, _LAST_MINUTE))
_UNTIL: Final = _required(_whole("until", "As since; not included.", 0, _LAST_MINUTE))
_NAMED: Final = Parameter(
    "name", {"type": "string", "pattern": _NAME}, "The picture's name.", place="path"
)

ROUTES: Final = (
    Route(
        "GET",
        "/",
        doors.page,
        Access.SESSION,
        "The page",
        {200: Answer("HTML")},
    ),
    Route("GET", "/login", doors.login_form, Access.OPEN, "The form", {200: Answer("HTML")}),
    Route("POST", "/login", doors.login, Access.OPEN, "Log in", {303: Answer("To the page")}),
    Route("POST", "/logout", doors.logout, Access.SESSION, "Log out", {303: Answer("Gone")}),
    Route(
        "GET",
        "/static/{file}",
        doors.asset,
        Access.OPEN,
        "The page's files",
        {200: Answer("A file")},
        (Parameter("file", {"type": "string", "maxLength": 64}, "Its name", place="path"),),
    ),
    Route(
        "GET",
        "/healthz",
        api.well,
        Access.OPEN,
        "Whether the page is there",
        {200: Answer("It is.", WellDocument)},
    ),
    Route(
        "GET",
        "/metrics",
        media.metrics,
        Access.SCRAPER,
        "What Prometheus reads",
        {200: Answer("Prometheus text format.", media="text/plain"), 503: _SILENT},
    ),
    Route(
        "GET",
        "/live.mjpeg",
        media.live,
        Access.SESSION,
        "The live picture, as MJPEG",
        {
            200: Answer("Parts; X-Time of each is the time of capture, UTC ms.", media=media.MJPEG),
            503: Answer("Too many look at once.", ErrorDocument),
        },
        endless=True,
    ),
    Route(
        "GET",
        "/live.jpg",
        media.still,
        Access.SESSION,
        "One picture of now",
        {200: Answer("JPEG.", media="image/jpeg"), 503: _SILENT},
    ),
    Route(
        "GET",
        "/pictures/{file}",
        media.picture,
        Access.SESSION,
        "A kept picture: NAME.jpg, NAME.crop.jpg, NAME.small.jpg, or its film NAME.webm",
        {
            200: Answer("JPEG or WebM.", media="image/jpeg"),
            404: _MISSING,
            503: _SILENT,
        },
        (Parameter("file", {"type": "string", "pattern": _FILE}, "Its name.", place="path"),),
    ),
    Route(
        "GET",
        "/api/openapi.json",
        document,
        Access.SESSION,
        "This document",
        {200: Answer("OpenAPI 3.1.", dict[str, str], media="application/json")},
    ),
    Route(
        "GET",
        "/api/status",
        api.status,
        Access.SESSION,
        "How the camera and its machine are, and what is seen now",
        {200: Answer("The status document.", Status), 503: _SILENT},
    ),
    Route(
        "GET",
        "/api/stream",
        media.news,
        Access.SESSION,
        "Server-sent events: `status` each second, `event` as they come, `silent`",
        {
            200: Answer("Messages.", media="text/event-stream"),
            422: _WRONG,
            503: Answer("Too many look at once.", ErrorDocument),
        },
        (_whole("after", "Number of the last event that is known.", 0, 10**15 - 1),),
        endless=True,
    ),
    Route(
        "GET",
        "/api/events",
        api.events,
        Access.SESSION,
        "Events, newest first",
        {200: Answer("Some events.", list[EventDocument]), 422: _WRONG, 503: _SILENT},
        (
            _whole("before", "Only those with a lower number.", 1, 10**15 - 1),
            _LIMIT,
            Parameter("label", {"type": "string", "maxLength": 200}, "Only those of it."),
        ),
    ),
    Route(
        "GET",
        "/api/events/{number}",
        api.event,
        Access.SESSION,
        "One event",
        {200: Answer("The event.", EventDocument), 404: _MISSING, 503: _SILENT},
        (
            Parameter(
                "number",
                {"type": "integer", "minimum": 1, "maximum": 10**15 - 1},
                "Its number.",
                place="path",
            ),
        ),
    ),
    Route(
        "GET",
        "/api/snapshots",
        api.snapshots,
        Access.SESSION,
        "Kept pictures, newest first",
        {200: Answer("Some pictures.", list[PictureDocument]), 422: _WRONG, 503: _SILENT},
        (
            Parameter("kind", {"type": "string", "enum": ["event", "uncertain"]}, "Only these."),
            _flag("unmarked", "Only those of which nobody has said what they show."),
            _flag("marked", "Only those of which somebody has."),
            Parameter("before", {"type": "string", "pattern": _NAME}, "Only names before it."),
            _LIMIT,
        ),
    ),
    Route(
        "GET",
        "/api/snapshots/{name}",
        api.snapshot,
        Access.SESSION,
        "What is known of one picture",
        {200: Answer("The picture.", PictureDocument), 404: _MISSING, 503: _SILENT},
        (_NAMED,),
    ),
    Route(
        "PUT",
        "/api/snapshots/{name}/truth",
        api.set_truth,
        Access.SESSION,
        "Say what a picture shows",
        {
            200: Answer("The picture, as it is known now.", PictureDocument),
            404: _MISSING,
            415: Answer("The body is not JSON.", ErrorDocument),
            422: _WRONG,
            503: _SILENT,
        },
        (_NAMED,),
        body=TruthDocument,
    ),
    Route(
        "GET",
        "/api/shares",
        api.shares,
        Access.SESSION,
        "For how long each label was seen, by spans of time",
        {200: Answer("Rows.", list[ShareDocument]), 422: _WRONG, 503: _SILENT},
        (_SINCE, _UNTIL, _whole("step", "Minutes of a span.", 1, 10_080, 60)),
    ),
    Route(
        "GET",
        "/api/minutes",
        api.minutes,
        Access.SESSION,
        "How the loop was, by the minute",
        {200: Answer("Rows.", list[MinuteDocument]), 422: _WRONG, 503: _SILENT},
        (_SINCE, _UNTIL),
    ),
    Route(
        "GET",
        "/api/training.zip",
        media.training,
        Access.SESSION,
        "All marked pictures, as `galago train` takes them: LABEL/NAME.jpg",
        {200: Answer("A zip.", media="application/zip")},
    ),
)
