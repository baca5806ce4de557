"""The certificates of the system, loaded for the first secure connection. Stands below the connections of `fetch`.

Loading them takes a tenth of the time in which `watcher history` starts and ends, and it needs no connection at all.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class SystemStore(ssl.SSLContext):
    """Verifies by the system's authorities, or those of SSL_CERT_FILE."""

    loaded = False

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """Begin a connection, with the certificates there."""
        if not self.loaded:
            self.load_default_certs()
            self.loaded = True
        return super().wrap_bio(*args, **kwargs)


@contextmanager
def not_loaded() -> Iterator[None]:
    """Let an import make contexts without certificates, which trust nobody: aiohttp's loads them for two of its own."""
    names = ("load_default_certs", "set_default_verify_paths")
    kept = {name: getattr(ssl.SSLContext, name) for name in names}
    for name in names:
        setattr(ssl.SSLContext, name, lambda *_: None)
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(ssl.SSLContext, name, method)
