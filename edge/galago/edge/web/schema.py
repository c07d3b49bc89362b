"""JSON Schema: made from the documents' types, and what a request is checked against.

- One schema says what a parameter may be, in /api/openapi.json and to whoever sends another.
- Only what the route table needs is understood: strings, whole numbers, choices.
"""

import re
import types
from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

Schema: TypeAlias = dict[str, Any]
Values: TypeAlias = dict[str, Any]

_PLAIN: Mapping[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,14})")


def schema_of(kind: Any) -> Schema:
    """The schema of a type: TypedDict, list, dict with text keys, Literal, union, plain.

    Raises:
        TypeError: of another type; the tables are wrong.
    """
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if is_typeddict(kind):
        return _of_document(kind)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(part) for part in parts]}
    if origin is Literal:
        return {"type": "string", "enum": list(parts)}
    if origin is list:
        return {"type": "array", "items": schema_of(parts[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(parts[1])}
    raise TypeError(f"no schema of {kind}")


def _of_document(kind: Any) -> Schema:
    properties = {name: schema_of(part) for name, part in get_type_hints(kind).items()}
    return {
        "type": "object",
        "description": " ".join((kind.__doc__ or "").split()),
        "properties": properties,
        "required": sorted(kind.__required_keys__),
        "additionalProperties": False,
    }


class WrongRequestError(Exception):
    """The request is not as the API says; the text is for whoever made it."""


def parsed(name: str, text: str, schema: Schema) -> Any:
    """The value of a parameter.

    Raises:
        WrongRequestError: it is not what `schema` allows.
    """
    if schema["type"] == "integer":
        low, high = schema["minimum"], schema["maximum"]
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise WrongRequestError(f"{name} must be a whole number from {low} to {high}")
        return int(text)
    if schema["type"] == "boolean":
        if text not in ("true", "false"):
            raise WrongRequestError(f"{name} must be true or false")
        return text == "true"
    return _checked_text(name, text, schema)


def _checked_text(name: str, text: str, schema: Schema) -> str:
    if text not in schema.get("enum", [text]):
        raise WrongRequestError(f"{name} must be one of {', '.join(schema['enum'])}")
    if len(text) > schema.get("maxLength", len(text)):
        raise WrongRequestError(f"{name} is longer than {schema['maxLength']} characters")
    if not re.search(schema.get("pattern", ""), text):
        raise WrongRequestError(f"{name} must match {schema['pattern']}")
    return text


def checked_body(body: Any, schema: Schema) -> Values:
    """A body that is a document of texts and nulls.

    Raises:
        WrongRequestError: it is not.
    """
    properties: Schema = schema["properties"]
    if not isinstance(body, dict) or body.keys() != properties.keys():
        raise WrongRequestError(f"expected a JSON object with the keys {', '.join(properties)}")
    for name, value in body.items():
        if value is not None and not isinstance(value, str):
            raise WrongRequestError(f"{name} must be a string or null")
    return body
