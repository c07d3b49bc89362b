"""Environment markers of a lock, judged for another machine than this.

- pip judges them for the Python that it runs in, whatever --platform says: hence this.
- What is not understood is an error, never a guess.

    applies("python_full_version < '3.12'", {"python_full_version": "3.11.2"})

Source: the grammar of dependency specifiers, of which a lock uses names, strings, comparisons,
`and`, `or` and parentheses: all of that is Python, too.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

_VERSIONS = frozenset({"python_version", "python_full_version", "implementation_version"})

_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda part, whole: part in whole,
    ast.NotIn: lambda part, whole: part not in whole,
}


def applies(marker: str, about: Mapping[str, str]) -> bool:
    """Whether a marker holds for the machine described by `about`; an empty one always does.

    Raises:
        ValueError: it has a name or a form that is not known here.
    """
    if not marker.strip():
        return True
    try:
        return _judge(ast.parse(marker.strip(), mode="eval").body, about)
    except (SyntaxError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the marker {marker.strip()!r} is not understood: {error!r}") from error


def _judge(node: ast.expr, about: Mapping[str, str]) -> bool:
    match node:
        case ast.BoolOp(how, values):
            # All of them, though the first may decide: each has to be understood.
            judged = [_judge(value, about) for value in values]
            return all(judged) if isinstance(how, ast.And) else any(judged)
        case ast.Compare(left, [how], [right]):
            versions = any(isinstance(x, ast.Name) and x.id in _VERSIONS for x in (left, right))
            return _COMPARE[type(how)](
                _value(left, about, versions), _value(right, about, versions)
            )
    raise TypeError(ast.unparse(node))


def _value(node: ast.expr, about: Mapping[str, str], is_version: bool) -> object:
    match node:
        case ast.Name(name):
            value = about[name]
        case ast.Constant(str(value)):
            pass
        case _:
            raise TypeError(ast.unparse(node))
    return _version(value) if is_version else value


def _version(text: str) -> tuple[int, ...]:
    """Numbers without trailing zeros, since 3.12 and 3.12.0 are the same."""
    numbers = [int(part) for part in text.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
