"""The application: the route table behind the guard."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp

from galago.edge.web.api import missing, refusal
from galago.edge.web.daemon import DaemonSilentError
from galago.edge.web.desk import Desk, NoDatabaseError
from galago.edge.web.guard import Guard
from galago.edge.web.route import Call, Route
from galago.edge.web.schema import Values, WrongRequestError, checked_body, parsed, schema_of

Endpoint = Callable[[Request], Awaitable[Response]]


def make_app(desk: Desk, routes: Sequence[Route]) -> ASGIApp:
    """What uvicorn runs."""
    inner = Starlette(
        routes=[StarletteRoute(r.path, _endpoint(r), methods=[r.method]) for r in routes],
        exception_handlers={HTTPException: _refused},
    )
    inner.state.desk, inner.state.routes = desk, routes
    return Guard(inner, desk, routes)


def _endpoint(route: Route) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            if not (values := _path_values(route, request)) and _has_path(route):
                return missing("thing")
            body = await _body(route, request)
            call = Call(request, values | _query_values(route, request), body)
            return await route.handler(request.app.state.desk, call)
        except WrongRequestError as error:
            return refusal(422, str(error))
        except DaemonSilentError:
            return refusal(503, "the daemon does not answer")
        except NoDatabaseError as error:
            return refusal(503, str(error))

    return endpoint


def _has_path(route: Route) -> bool:
    return any(parameter.place == "path" for parameter in route.parameters)


def _path_values(route: Route, request: Request) -> Values:
    """Nothing where one of them cannot be: no such thing is there."""
    values: Values = {}
    for parameter in route.parameters:
        if parameter.place == "path":
            try:
                text = request.path_params[parameter.name]
                values[parameter.name] = parsed(parameter.name, text, parameter.schema)
            except WrongRequestError:
                return {}
    return values


def _query_values(route: Route, request: Request) -> Values:
    known = {p.name: p for p in route.parameters if p.place == "query"}
    given = request.query_params.multi_items()
    for name, _text in given:
        if name not in known:
            raise WrongRequestError(f"unknown parameter: expected {', '.join(known) or 'none'}")
    if len(given) > len(dict(given)):
        raise WrongRequestError("a parameter is given twice")
    texts = dict(given)
    for name, parameter in known.items():
        if parameter.required and name not in texts:
            raise WrongRequestError(f"{name} is missing")
    defaults = {n: p.schema["default"] for n, p in known.items() if "default" in p.schema}
    return defaults | {n: parsed(n, text, known[n].schema) for n, text in texts.items()}


async def _body(route: Route, request: Request) -> Values:
    if route.body is None:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "expected Content-Type: application/json")
    try:
        body: Any = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise WrongRequestError("the body is not JSON") from None
    return checked_body(body, schema_of(route.body))


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return refusal(error.status_code, error.detail, dict(error.headers or {}))
