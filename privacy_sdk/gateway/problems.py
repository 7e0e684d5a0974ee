"""Every error of the gateway as a problem document (RFC 9457), and nothing of the input in it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from privacy_sdk.accounts.problems import problem_from_error
from privacy_sdk.errors import InvalidRequestError, InvalidTokenError, PrivacyError

PROBLEM_JSON = "application/problem+json"
MAX_BODY = 2**20
"""The longest body that is read [bytes]."""

_MESSAGES = {
    400: ("The body cannot be read.", "Send one JSON document in UTF-8."),
    404: ("There is nothing at this path.", "GET /openapi.json describes every path."),
    405: ("This path does not take that method.", "GET /openapi.json describes every path."),
    413: ("The body is too long.", f"Send at most {MAX_BODY:,} bytes, in several requests."),
    431: ("The request's address or headers are too long.", "A few header fields are enough."),
}


def problem_response(
    error: PrivacyError, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that tells a client of ``error``, with the status of its kind or another."""
    usual, document = problem_from_error(error)
    headers = dict(headers or {})
    if "retry_after" in document:
        headers["Retry-After"] = str(math.ceil(document["retry_after"]))
    if isinstance(error, InvalidTokenError):
        headers["WWW-Authenticate"] = "Bearer"
    status = status or usual
    body = json.dumps(document | {"status": status}, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate out of some library's message must not turn its error into another one.
    return Response(body.encode(errors="replace"), status, headers, PROBLEM_JSON)


def http_error(status: int) -> InvalidRequestError:
    """What is wrong with a request that HTTP itself refuses with ``status``."""
    message, hint = _MESSAGES.get(status, (f"{HTTPStatus(status).phrase}.", ""))
    return InvalidRequestError(message, hint=hint)


def install_problems(app: FastAPI) -> None:
    """Let ``app`` answer its own errors and FastAPI's with problem documents."""
    app.add_exception_handler(PrivacyError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_error(_: Request, error: Any) -> Response:
    return problem_response(error)


async def _on_invalid(_: Request, error: Any) -> Response:
    faults = [_fault(row) for row in error.errors()]
    more = f", and {len(faults) - 3} more" if len(faults) > 3 else ""
    return problem_response(
        InvalidRequestError(
            f"The request is not understood: {'; '.join(faults[:3])}{more}.",
            hint="GET /openapi.json describes every request.",
        )
    )


def _fault(row: Mapping[str, Any]) -> str:
    """Where a request is wrong and how, in none of its own words."""
    place, kind = list(row["loc"]), row["type"]
    if kind == "json_invalid":
        return f"the body is not JSON from character {place[-1]} on"
    if kind == "extra_forbidden":
        return f"{_place(place[:-1])} has a member that is not known"
    if kind.startswith("union_tag"):
        return f"{_place(place)} is none of {row['ctx'].get('expected_tags', 'the known kinds')}"
    return f"{_place(place)}: {row['msg'][:1].lower()}{row['msg'][1:]}"


def _place(location: Sequence[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)[1:]


async def _on_http(request: Request, error: Any) -> Response:
    headers = {"Allow": _allowed(request, error)} if error.status_code == 405 else None
    return problem_response(http_error(error.status_code), error.status_code, headers)


def _allowed(request: Request, error: HTTPException) -> str:
    """The methods that a path takes; Starlette itself names those of one route only."""
    path = getattr(request.scope.get("route"), "path", None)
    if operations := request.app.openapi()["paths"].get(path):
        return ", ".join(sorted(method.upper() for method in operations))
    return (error.headers or {}).get("Allow", "")
