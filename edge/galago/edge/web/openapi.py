"""The API's document, OpenAPI 3.1, made from the route table."""

from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from galago.edge.web.desk import Desk
from galago.edge.web.documents import ErrorDocument
from galago.edge.web.route import Access, Answer, Call, Parameter, Route
from galago.edge.web.schema import schema_of

_ELSEWHERE = {403: Answer("Another site has sent the request.", ErrorDocument)}
_REFUSED = {401: Answer("Nobody is logged in.", ErrorDocument)}
_SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.OPEN: [],
    Access.SESSION: [{"session": []}],
    Access.SCRAPER: [{"session": []}, {"basic": []}],
}


async def document(desk: Desk, call: Call) -> Response:
    """The document."""
    routes: Sequence[Route] = call.request.app.state.routes
    made = openapi(routes, locked=desk.doorkeeper is not None)
    return JSONResponse(made, headers={"cache-control": "no-store"})


def openapi(routes: Iterable[Route], *, locked: bool) -> dict[str, Any]:
    """The document of these routes, without the pages that are for people.

    `locked`: a password is set.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if route.is_api:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(
                route, locked=locked
            )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Galago",
            "version": "1",
            "description": "A camera that classifies by itself. Times are UTC.",
        },
        "paths": paths,
        "components": {"securitySchemes": _SCHEMES},
    }


_SCHEMES = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "galago",
        "description": "From POST /login; only where a password is set. Over https the name is "
        "__Host-galago.",
    },
    "basic": {"type": "http", "scheme": "basic", "description": "Any name, and the password."},
}


def _operation(route: Route, *, locked: bool) -> dict[str, Any]:
    access = route.access if locked else Access.OPEN
    refused = _ELSEWHERE if access is Access.OPEN else _ELSEWHERE | _REFUSED
    answers = {**refused, **route.answers}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "security": _SECURITY[access],
        "parameters": [_parameter(parameter) for parameter in route.parameters],
        "responses": {str(code): _answer(answer) for code, answer in sorted(answers.items())},
    }
    if route.body is not None:
        content = {"application/json": {"schema": schema_of(route.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required or parameter.place == "path",
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    schema = {} if answer.document is None else schema_of(answer.document)
    return {"description": answer.description, "content": {answer.media: {"schema": schema}}}
