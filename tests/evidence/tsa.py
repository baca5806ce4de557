"""A time-stamping authority of the tests' own: a root, a certificate for stamping, and answers as RFC 3161 has them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.site import Reply, Request

BORN = datetime(2020, 1, 1, tzinfo=UTC)
SHA256 = bytes.fromhex("300d06096086480165030402010500")
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")
CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
ECDSA = bytes.fromhex("300a06082a8648ce3d040302")
POLICY = bytes.fromhex("06032a0304")


def der(tag: int, *parts: bytes) -> bytes:
    """One value in DER."""
    content = b"".join(parts)
    size = len(content)
    raw = _bytes(size)
    return bytes([tag, size] if size < 128 else [tag, 128 + len(raw), *raw]) + content


def integer(value: int) -> bytes:
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _bytes(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def parts(content: bytes) -> list[bytes]:
    """The values in a sequence, each with its head."""
    found, place = [], 0
    inner = _content(content)
    while place < len(inner):
        size = len(inner[place:]) - len(_rest(inner[place:]))
        found.append(inner[place : place + size])
        place += size
    return found


def _head(value: bytes) -> tuple[int, int]:
    """How long the head is, and the content."""
    if value[1] < 128:
        return 2, value[1]
    count = value[1] - 128
    return 2 + count, int.from_bytes(value[2 : 2 + count], "big")


def _content(value: bytes) -> bytes:
    start, size = _head(value)
    return value[start : start + size]


def _rest(value: bytes) -> bytes:
    start, size = _head(value)
    return value[start + size :]


@cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(name: str, issuer: str, *, until: datetime, stamping: bool) -> x509.Certificate:
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key().public_key())
        .serial_number(2 if stamping else 1)
        .not_valid_before(BORN)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=not stamping, path_length=None), critical=True)
    )
    if stamping:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return made.sign(key(), hashes.SHA256())


@dataclass
class Authority:
    """A page of a site that stamps what it is sent; the fields make it do so wrongly."""

    now: datetime
    name: str = "Test root"
    until: datetime = BORN + timedelta(days=36500)
    stamping: bool = True
    nonce: int = 0
    imprint: bytes = b""
    status: int = 0
    down: int = 0
    reply: Reply | None = None
    asked: list[bytes] = field(default_factory=list)

    def root(self, path: Path) -> Path:
        """Write the root that it is trusted by."""
        root = certificate(self.name, self.name, until=BORN + timedelta(days=36500), stamping=False)
        path.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        return path

    def __call__(self, request: Request) -> Reply:
        self.asked.append(request.body)
        if self.down:
            self.down -= 1
            return Reply("busy", status=503)
        return self.reply or Reply(self.answer(request.body), headers={"content-type": "application/timestamp-reply"})

    def answer(self, query: bytes) -> bytes:
        if self.status:
            return der(0x30, der(0x30, integer(self.status)))
        _, imprint, nonce, *_ = parts(query)
        if self.imprint:
            imprint = der(0x30, SHA256, der(4, self.imprint))
        told = der(
            0x30,
            integer(1),
            POLICY,
            imprint,
            integer(7),
            der(0x18, self.now.strftime("%Y%m%d%H%M%SZ").encode()),
            integer(self.nonce) if self.nonce else nonce,
        )
        return der(0x30, der(0x30, integer(0)), der(0x30, SIGNED_DATA, der(0xA0, self._signed(told))))

    def _signed(self, told: bytes) -> bytes:
        leaf = certificate("Test stamps", self.name, until=self.until, stamping=self.stamping)
        issuer = leaf.issuer.public_bytes()
        attributes = [
            der(0x30, CONTENT_TYPE, der(0x31, TST_INFO)),
            der(0x30, MESSAGE_DIGEST, der(0x31, der(4, hashlib.sha256(told).digest()))),
        ]
        signature = key().sign(der(0x31, *sorted(attributes)), ec.ECDSA(hashes.SHA256()))
        signer = der(
            0x30,
            integer(1),
            der(0x30, issuer, integer(leaf.serial_number)),
            SHA256,
            der(0xA0, *sorted(attributes)),
            ECDSA,
            der(4, signature),
        )
        content = der(0x30, TST_INFO, der(0xA0, der(4, told)))
        certificates = der(0xA0, leaf.public_bytes(serialization.Encoding.DER))
        return der(0x30, integer(3), der(0x31, SHA256), content, certificates, der(0x31, signer))
