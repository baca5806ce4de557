"""HTTP as the Bot API speaks it: parameters and files of a request, and the bytes of an answer."""

from __future__ import annotations

import json
from http import HTTPStatus
from urllib.parse import parse_qsl

from tests.site import Request
from tests.telegram_api.methods import Given


def given(request: Request) -> Given:
    """What came with the request: a form, a form with files, or JSON. What is no UTF-8 becomes lone surrogates."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return _multipart(request.body, kind.partition("boundary=")[2].strip('"').encode())
    if kind.startswith("application/json"):
        values = json.loads(request.body)
        return Given({name: _string(value) for name, value in values.items()}, {})
    return Given(dict(parse_qsl(request.body.decode("ascii"), keep_blank_values=True, errors="surrogateescape")), {})


def http(status: int, body: bytes) -> bytes:
    """The bytes of an answer."""
    phrase = HTTPStatus(status).phrase
    head = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode("ascii") + body


def _multipart(body: bytes, boundary: bytes) -> Given:
    fields, files = {}, {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n")
        told = head.decode("utf-8")
        name = told.partition('name="')[2].partition('"')[0]
        if "filename=" in told:
            files[name] = content
        else:
            fields[name] = content.decode("utf-8", "surrogateescape")
    return Given(fields, files)


def _string(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
