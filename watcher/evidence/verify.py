"""Check an evidence bundle with nothing but Python's standard library: python3 verify.py [BUNDLE.zip or its folder].

A copy of this file lies in each bundle. It does not need, and does not use, the program that made the bundle.
Exit 0: everything holds. 1: something does not, and is named. 2: this is no bundle.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Read = Callable[[str], bytes]


class Broken(Exception):  # noqa: N818 - an answer to be told, not a fault
    """Something that does not hold; its text says what."""


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces, in UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def opened(path: Path) -> Read:
    """A function that reads one file of a bundle, packed or unpacked. Raises KeyError or OSError for a missing one."""
    if path.is_dir():
        return lambda name: (path / name).read_bytes()
    return zipfile.ZipFile(path).read


def records(read: Read) -> Iterator[dict[str, Any]]:
    """Each record of the chain, once it was seen to follow from the one before. Raises Broken."""
    head = b""
    for number, line in enumerate(read("chain.jsonl").splitlines(), start=1):
        one = json.loads(line)
        content = bytes.fromhex(one["sha256"])
        found = hashlib.sha256(head + canonical(one["record"]) + content).digest()
        if (found.hex(), head.hex(), number) != (one["record_hash"], one["previous"], one["record"]["seq"]):
            raise Broken(f"record {number} (snapshot {one['record_hash'][:16]}) does not follow from the one before it")
        head = found
        yield one


def check_bytes(read: Read, one: dict[str, Any]) -> bool:
    """Whether the bytes of a record are there. Raises Broken where they are not those that were fetched."""
    number, digest = one["record"]["seq"], one["sha256"]
    if one.get("thinned"):
        return False
    try:
        content = read(f"bodies/{digest}")
    except (KeyError, OSError):
        raise Broken(f"the bytes of record {number} are missing: bodies/{digest}") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise Broken(f"the bytes of record {number} are not those that were fetched: bodies/{digest}")
    return True


def check_anchor(read: Read, anchor: dict[str, Any], hashes: dict[int, str], source: str) -> list[str]:
    """What is said of an anchor: it must speak for a record of this chain, and each token for it. Raises Broken."""
    text = {name: anchor[name] for name in ("n", "at", "heads", "previous")}
    seq, head = anchor["seq"], anchor["head"]
    name = f"anchor {anchor['n']} of {anchor['at']}"
    if hashlib.sha256(canonical(text)).hexdigest() != anchor["digest"]:
        raise Broken(f"{name} does not have its digest")
    if hashlib.sha256(canonical([source, seq, head])).hexdigest() not in anchor["heads"]:
        raise Broken(f"{name} does not speak for this chain")
    if hashes.get(seq) != head:
        raise Broken(f"{name} speaks for record {seq} with another hash, or the chain was cut before it")
    told = []
    for stamp in anchor["stamps"]:
        if bytes.fromhex(anchor["digest"]) not in read(stamp["file"]):
            raise Broken(f"{stamp['file']} is not a time stamp of {name}")
        told.append(
            f"{name}, by {stamp['authority']}: names the right digest; to check its signature:\n"
            f"    openssl ts -verify -digest {anchor['digest']} -in {stamp['file']} -CAfile ROOTS.pem"
        )
    return told


def check(read: Read) -> Iterator[str]:
    """What holds, line by line. Raises Broken for what does not, KeyError or ValueError for what is no bundle."""
    about = json.loads(read("source.json"))
    hashes: dict[int, str] = {}
    missing = 0
    for one in records(read):
        if one["record"]["source"] != about["source"]:
            raise Broken(f"record {one['record']['seq']} is of another source")
        missing += not check_bytes(read, one)
        hashes[one["record"]["seq"]] = one["record_hash"]
    if len(hashes) != about["records"]:
        raise Broken(f"{about['records']} records are named in source.json, {len(hashes)} are there")
    yield f"{len(hashes)} records of {about['source']} follow from each other; {missing} of them without their bytes"
    anchors = [json.loads(line) for line in read("anchors.jsonl").splitlines()]
    for anchor in anchors:
        yield from check_anchor(read, anchor, hashes, about["source"])
    yield f"{len(anchors)} anchors speak for records of this chain"


def main(arguments: list[str]) -> int:
    """Check the bundle that is named, or that this file lies in; returns the exit code."""
    path = Path(arguments[0]) if arguments else Path(__file__).parent
    try:
        for line in check(opened(path)):
            sys.stdout.write(f"ok   {line}\n")
    except Broken as why:
        sys.stdout.write(f"BAD  {why}\n")
        return 1
    except (KeyError, TypeError, ValueError, OSError, zipfile.BadZipFile) as error:
        sys.stdout.write(f"{path}: expected an evidence bundle, found something else or a damaged one: {error}\n")
        return 2
    sys.stdout.write("everything holds\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
