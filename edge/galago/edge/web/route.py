"""What a route is: one line of the table that app, API document and tests are made from."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from galago.edge.web.desk import Desk
from galago.edge.web.schema import Schema, Values


class Access(Enum):
    """Who may, where a password is set."""

    OPEN = "everybody: there is nothing of the camera in it"
    SESSION = "who is logged in"
    SCRAPER = "who is logged in, or sends the password with each request (basic authentication)"


@dataclass(frozen=True)
class Parameter:
    """Of a path or a query; `schema` says what it may be."""

    name: str
    schema: Schema
    description: str
    place: Literal["query", "path"] = "query"
    required: bool = False


@dataclass(frozen=True)
class Answer:
    """A status code's meaning and content. `document`: a type of galago.edge.web.documents."""

    description: str
    document: Any = None
    media: str = "application/json"


@dataclass(frozen=True)
class Call:
    """A request whose parameters and body are as the route says."""

    request: Request
    values: Values
    body: Values = field(default_factory=dict)


Handler: TypeAlias = Callable[[Desk, Call], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """`path` as Starlette writes it. `endless`: the answer goes on until the viewer leaves."""

    method: Literal["GET", "POST", "PUT"]
    path: str
    handler: Handler
    access: Access
    summary: str
    answers: Mapping[int, Answer]
    parameters: tuple[Parameter, ...] = ()
    body: Any = None
    endless: bool = False

    @property
    def is_api(self) -> bool:
        """Whether it is in the API's document; pages for people are not."""
        return self.path.startswith(("/api/", "/pictures/", "/live.", "/metrics", "/healthz"))
