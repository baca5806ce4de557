"""A loopback web site for the tour, whose pages can be changed between two checks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Pages = dict[str, str | bytes]
"""Path to HTML, or to the bytes of a PDF; a path that is missing answers 404."""


@contextmanager
def serving(pages: Pages) -> Iterator[int]:
    """Serve `pages` on 127.0.0.1 while the block runs; gives the port. The dictionary may be changed meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page = pages.get(self.path)
            body = page or "<title>Page not found</title><h1>Page not found</h1>"
            self.send_response(200 if page else 404)
            is_pdf = isinstance(body, bytes)
            body = body if isinstance(body, bytes) else body.encode()
            self.send_header("Content-Type", "application/pdf" if is_pdf else "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the tour's own words are what is read."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
