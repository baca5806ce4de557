"""RFC 3161 time stamps: what an authority is asked for an anchor, and whether its answer proves anything.

An answer counts only if its imprint is the anchor's digest, its nonce ours, and its signature leads to a root that is
trusted for the time it names. All of that is rfc3161-client's work.
"""

from __future__ import annotations

import contextlib
import ssl
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.store.anchors import Anchor, Stamp, text_of

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

SHA256 = "2.16.840.1.101.3.4.2.1"
SKEW = timedelta(minutes=5)
"""How far two clocks may differ."""
QUERY = {"Content-Type": "application/timestamp-query"}


class BadStamp(Exception):  # noqa: N818 - an answer to be told, not a fault
    """An answer that proves nothing, and why."""


def request(anchor: Anchor) -> tuple[bytes, str]:
    """What an authority is sent for `anchor`, and the nonce that its answer must repeat."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    query = TimestampRequestBuilder().data(text_of(anchor)).hash_algorithm(HashAlgorithm.SHA256).build()
    return query.as_bytes(), str(query.nonce)


def check(stamp: Stamp, anchor: Anchor, roots: list[Certificate], now: datetime) -> datetime:
    """Return the time that the token of `stamp` proves for `anchor`. Raises BadStamp."""
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        answer = decode_timestamp_response(stamp.token)
        verifier = VerifierBuilder(roots=roots, nonce=int(stamp.nonce)).build()
        verifier.verify(answer, bytes.fromhex(anchor.digest))
        told = answer.tst_info
        if told.message_imprint.hash_algorithm.dotted_string != SHA256:
            raise BadStamp("it is not about a SHA-256 digest")
        at = told.gen_time.astimezone(UTC)
    except (VerificationError, ValueError, TypeError) as error:
        raise BadStamp(" ".join(str(error).split())[:200] or "it cannot be read") from None
    if not anchor.at - SKEW <= at <= now + SKEW:
        raise BadStamp(f"it names a time at which this cannot have been: {at:%Y-%m-%dT%H:%M:%SZ}")
    return at


def trusted(path: str) -> list[Certificate]:
    """The roots in the PEM file at `path`; "": those of the system, or of SSL_CERT_FILE. Raises OSError, ValueError."""
    import rfc3161_client  # noqa: F401 - where it is missing, that is said before anybody is asked
    from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificates

    if path:
        return load_pem_x509_certificates(Path(path).read_bytes())
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of roots that are older than today's rules for them
        for der in ssl.create_default_context().get_ca_certs(binary_form=True):
            with contextlib.suppress(ValueError):  # one that no library reads any more can vouch for nothing
                found.append(load_der_x509_certificate(der))
    return found
