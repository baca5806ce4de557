"""The shared frozen types and the two plugin protocols: what every step of the flow takes and returns.

Standard library only. A type that two modules need lives here.
All times are timezone-aware and in UTC; `instant` and `parse_instant` are their one written form.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NamedTuple, Protocol, TextIO, runtime_checkable

Value = str | int | float | bool | None
"""What a field of a record, or a value of a document's meta, may be."""


def instant(at: datetime) -> str:
    """Write `at` as RFC 3339 in UTC with Z, to the second: "2017-03-20T16:00:00Z"."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 time with a zone; returns it in UTC. Raises ValueError for anything else."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at.astimezone(UTC)


def content_id(*parts: Any) -> str:
    """16 hex digits of SHA-256 over the canonical JSON of `parts`: the same content has the same id, always."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Severity(enum.IntEnum):
    """How much a change matters; cosmetic changes are stored and never alert by default."""

    COSMETIC = 0
    MINOR = 1
    MAJOR = 2
    URGENT = 3

    @property
    def label(self) -> str:
        """The word used in JSON and config.toml."""
        return self.name.lower()


class Lane(enum.IntEnum):
    """Who goes first of those who wait for a message: whoever is on call, then who has asked, then readers."""

    PING = 0
    """The first ping of a page."""
    AGAIN = 1
    """Later ones, and all else that whoever is on call must know."""
    ANSWER = 2
    ALERT = 3
    DIGEST = 4


# ---------------------------------------------------------------- what is watched


@dataclass(frozen=True, slots=True)
class Source:
    """One watched thing of config.toml. `options` are the options of its kind, checked when the config was read.

    `render` is "browser" where its pages are read as a browser shows them, else "". `series` is the name that readers
    know its documents by. `archive`: a web archive is asked to keep it, too, when it has changed.
    """

    name: str
    kind: str
    url: str
    at_most_every: timedelta = timedelta(minutes=10)
    at_least_every: timedelta = timedelta(hours=6)
    weight: float = 1.0
    ignore_robots: bool = False
    expect: str = ""
    render: str = ""
    series: str = ""
    archive: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------- what the network brought


class Hop(NamedTuple):
    """One redirect that was followed: the address that answered, and with which status."""

    url: str
    status: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer of a server, its body decoded. `url` is the last address; header names are in lower case.

    `screenshot` is what a browser showed, a PNG, where one was asked.
    """

    url: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    redirects: tuple[Hop, ...] = ()
    peer: str | None = None
    screenshot: bytes = b""

    def header(self, name: str) -> str:
        """The first header called `name` (lower case), or an empty string."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True)
class Failure:
    """A fetch that brought nothing, as a value.

    `reason` is one word for programs: refused, robots, redirect, timeout, connect, dns, tls, too-large, encoding,
    protocol, status, disk, browser. `detail` says it to people. `refused` failures were never tried, by rule.
    """

    reason: str
    detail: str
    refused: bool = False
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Validators:
    """What a conditional GET sends back: the ETag and Last-Modified of the bytes already stored ("" for none)."""

    etag: str = ""
    last_modified: str = ""


class Fetch(Protocol):
    """The one door to the network that adapters get.

    `fresh` asks for a new connection (used to confirm a suspect page); `validators` make the GET conditional.
    """

    def __call__(
        self, source: Source, url: str, *, validators: Validators = ..., fresh: bool = False
    ) -> Awaitable[Fetched | Failure]:
        """Bring one page; never raises for what the network or the far side does."""
        ...


@dataclass(frozen=True, slots=True)
class Capture:
    """The bytes that an adapter reads, with what is known of where they came from. `at` is when they were fetched."""

    source: str
    kind: str
    snapshot: str
    at: datetime
    url: str
    status: int = 200
    content_type: str = ""
    body: bytes = b""


# ---------------------------------------------------------------- what was read


@dataclass(frozen=True, slots=True)
class Subject:
    """What a change is about: a jurisdiction, a record, a document.

    `id` is canonical ("us-county:32003", "place:<normalised text>", "record:<key>", "source:<name>"); `name` as AP
    writes it; `state` the postal code or None; `within` the ids of the places that contain it.
    """

    id: str
    name: str
    state: str | None = None
    within: tuple[str, ...] = ()

    @property
    def is_place(self) -> bool:
        """Whether this is a jurisdiction, known or not."""
        return self.id.startswith(("us-", "place:"))


class Block(NamedTuple):
    """One block of prose. `type` is heading, paragraph, list-item or note; `page` is that of a paged file, from 1."""

    type: str
    text: str
    page: int = 0


class Link(NamedTuple):
    """A link as it stands on the page: its words and its absolute address."""

    text: str
    url: str


class Record(NamedTuple):
    """One row: its key, its fields in page order, the section it stands in, and the place that it names, if any.

    `page` is where it stands in a paged file, from 1.
    """

    key: str
    fields: Mapping[str, Value]
    section: str | None = None
    subject: Subject | None = None
    page: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """What `extract` read. An article's body is its blocks in order; a table's rows are its records, in page order.

    `choices` is what the adapter decided at the baseline (which table, which key) and wants back next time;
    `mentions` are the jurisdictions named in prose, in order, each once.
    """

    source: str
    kind: str
    snapshot: str
    at: datetime
    url: str
    meta: Mapping[str, Value] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    records: Mapping[str, Record] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    mentions: tuple[Subject, ...] = ()
    choices: Mapping[str, Any] = field(default_factory=dict)


def capture_of(source: Source, fetched: Fetched, at: datetime, snapshot: str = "") -> Capture:
    """An answer as the adapter of `source` reads it; `snapshot` is the id it is stored under, if it is."""
    return Capture(
        source=source.name,
        kind=source.kind,
        snapshot=snapshot,
        at=at,
        url=fetched.url,
        status=fetched.status,
        content_type=fetched.header("content-type"),
        body=fetched.body,
    )


class NotReadable(Exception):  # noqa: N818 - the name is the message: this document cannot be read
    """Raised by `extract` when the bytes cannot be read as this kind; its text says what was expected and found."""


class NothingThere(NotReadable):
    """The bytes are sound and can be read, and what this kind looks for is not in them: no table, no list."""


# ---------------------------------------------------------------- what changed


class Span(NamedTuple):
    """A run of words in a comparison: op "=" stands in both, "-" only in the old, "+" only in the new."""

    op: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One typed fact that differs between two documents.

    `id` hashes source, before, snapshot, kind, subject id, path, old and new; `at` is when the new was first seen,
    `last_seen` when the old was last seen; `spans` are the words struck and added, for rendering.
    """

    id: str
    source: str
    at: datetime
    last_seen: datetime | None
    kind: str
    severity: Severity
    subject: Subject
    path: tuple[str, ...]
    old: Any
    new: Any
    summary: str
    snapshot: str | None
    before: str | None
    spans: tuple[Span, ...] = ()
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the suspect guard thinks of a capture.

    `kind` is ok; gone (404, 410, a soft 404) or lost (most of what was read has vanished), which are believed once
    confirmed; blocked (a block, challenge or log-in page), failing (5xx), empty, or unreadable as this kind, which
    never are.
    """

    kind: str = "ok"
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether the capture may be believed at once."""
        return self.kind == "ok"

    @property
    def confirmable(self) -> bool:
        """Whether a later capture that agrees makes this one believed."""
        return self.kind in {"gone", "lost"}


@dataclass(frozen=True, slots=True)
class Glance:
    """A first look at one answer: may it be believed, and does what the adapter reads differ?"""

    verdict: Verdict
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two captures to compare, with the choices of the document before; `before` is None for a first sight.

    `guarded` asks for the verdict `lost` instead of changes where most records vanished; a confirmed loss is compared
    unguarded. `issues`: the two are two issues of one report, not two states of one document.
    """

    source: Source
    after: Capture
    before: Capture | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)
    last_seen: datetime | None = None
    guarded: bool = True
    issues: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What comparing two captures gave; `note` is what people should know of how the newer one was read."""

    verdict: Verdict
    changes: tuple[Change, ...] = ()
    records: int = 0
    choices: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


# ---------------------------------------------------------------- what is told


class Run(NamedTuple):
    """A run of text in a message. `mark` is "", strong, new, old, dim or link (then `url` is where it leads)."""

    text: str
    mark: str = ""
    url: str = ""


Line = tuple[Run, ...]
"""One block of a message; messages are split between lines, never inside one unless it alone is too long."""


class Button(NamedTuple):
    """A button under a message: pressed, it sends `data` back (1 to 64 bytes), or opens `url`."""

    text: str
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Extras:
    """What a message has beside its lines, for channels that can show it.

    `reply_to` and `edit` name an earlier alert of the same channel: this one answers it, or stands in its place (then
    an earlier message that cannot be found makes it a new one). `picture`: the changes are drawn, and the lines are
    what stands under the drawing. `silent`: no sound.
    """

    buttons: tuple[tuple[Button, ...], ...] = ()
    reply_to: str = ""
    edit: str = ""
    picture: bool = False
    silent: bool = False


PLAIN = Extras()


@dataclass(frozen=True, slots=True)
class Message:
    """One part of an alert for one channel. `ref` is printed in every part; the same ref is the same alert.

    `changes` are those that the alert is about (all of them in each part), for channels that send data. In `extras`,
    `reply_to` and `edit` are receipts of the channel.
    """

    ref: str
    source: str
    lines: tuple[Line, ...]
    changes: tuple[Change, ...] = ()
    part: int = 1
    parts: int = 1
    repeat: bool = False
    extras: Extras = PLAIN


@dataclass(frozen=True, slots=True)
class Sent:
    """Delivered; `receipt` is the channel's own id of the message, "" where it has none.

    `note` is what the operator should know of how: elsewhere than asked, or only in short.
    """

    receipt: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not delivered, or not surely (`unknown`): try again, not before `after`.

    `counts`: whether it was an attempt; one that the far side put off was none. `stops`: the same holds for whatever
    else would be sent there.
    """

    reason: str
    after: timedelta | None = None
    unknown: bool = False
    counts: bool = True
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Dead:
    """Never to be delivered, and why. `closed`: nor will anything else be, through this channel."""

    reason: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """Not delivered: the channel is called `to` from now on."""

    to: str


Outcome = Sent | Retry | Dead | Moved


# ---------------------------------------------------------------- what is stored


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The record of one stored capture; its bytes are stored beside it.

    `id` is the first 16 hex digits of `record_hash`, its link in the source's chain: SHA-256 over the previous record
    hash, the canonical JSON of this record and the SHA-256 of the bytes. `verdict` (ok, suspect, blocked, gone),
    `reason`, `choices` and `version` say how the bytes were read; they may be settled later and are not in the chain.
    """

    id: str
    source: str
    seq: int
    at: datetime
    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    redirects: tuple[Hop, ...]
    peer: str | None
    sha256: str
    provenance: str
    clock: str
    previous: str
    record_hash: str
    verdict: str = "ok"
    reason: str = ""
    fingerprint: str = ""
    version: int = 0
    choices: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceState:
    """Where one source stands: what its last check saw and when the next is due. One row, rewritten by each check.

    `snapshot`, `fingerprint` and `version` are those of the last believed capture; `sha256` and `validators` those of
    the last bytes seen (which may differ where nothing read differs). `seq` and `head` are the chain's end.
    `suspect` is the first of the agreeing suspect captures, `suspect_seen` how many agreed so far.
    `state` is new, ok, suspect, gone, blocked or failing.
    """

    name: str
    kind: str = ""
    url: str = ""
    state: str = "new"
    last_checked: datetime | None = None
    last_seen: datetime | None = None
    last_changed: datetime | None = None
    next_check: datetime | None = None
    records: int = 0
    snapshot: str | None = None
    fingerprint: str = ""
    version: int = 0
    choices: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""
    validators: Validators = Validators()
    seq: int = 0
    head: str = ""
    suspect: str | None = None
    suspect_since: datetime | None = None
    suspect_seen: int = 0
    suspect_fingerprint: str = ""
    failures: int = 0
    error: str = ""
    rate_count: float = 0.0
    rate_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Alert:
    """The changes of one snapshot that matched one route, for one channel. `id` hashes route, channel and changes."""

    id: str
    route: str
    channel: str
    source: str
    snapshot: str | None
    at: datetime
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One outbox row: one message part to one channel. `id` hashes alert, channel and part.

    `state` is pending, sending, wait, sent, dead, or folded (another alert says the same); `due` is when it may be
    tried (next); `reason` says why it waits or died; `repeat` is set once a send may have arrived without our knowing.
    `lane` is who goes first.
    """

    id: str
    alert: str
    channel: str
    source: str
    part: int
    parts: int
    lines: tuple[Line, ...]
    changes: tuple[str, ...]
    created: datetime
    due: datetime
    state: str = "pending"
    reason: str = ""
    attempts: int = 0
    repeat: bool = False
    receipt: str = ""
    sent_at: datetime | None = None
    lane: int = Lane.ALERT
    extras: Extras = PLAIN


# ---------------------------------------------------------------- the two extension points


class Adapter(Protocol):
    """Code for one kind of source, built with its own options struct.

    `version` rises when `extract` reads the same bytes differently: the last stored bytes are then read again before
    anything is compared, so that an upgrade never alerts.
    """

    kind: ClassVar[str]
    version: ClassVar[int]
    Options: ClassVar[type]

    def __init__(self, options: Any) -> None: ...

    async def snapshot(self, source: Source, fetch: Fetch, known: Validators, *, fresh: bool) -> Fetched | Failure:
        """Bring the bytes of one check. Most kinds need one page and keep this."""
        return await fetch(source, source.url, validators=known, fresh=fresh)

    def fingerprint(self, capture: Capture, known: str = "") -> str:
        """Digest what this adapter reads in `capture`, fast: equal digests mean that `extract` would read the same.

        `known` is the digest of the last believed capture, to be returned as soon as it is plain that nothing differs.
        """
        ...

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:
        """Read `capture`; `choices` are those of the document before it. Raises NotReadable."""
        ...


Clock = Callable[[], datetime]
"""Where `now` comes from at the edge; the pure core takes `now` as an argument."""

Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[Fetched | Failure]]
"""The door for notifiers that send over HTTP: URL, body and headers to any answer of the server; never raises."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a notifier is built with beside its options: the door to the network, the clock, the terminal.

    `shared` is what the notifiers of one app have in common, such as a connection, by a key of their own.
    """

    post: Post
    now: Clock
    out: TextIO
    shared: dict[Any, Any] = field(default_factory=dict)


@runtime_checkable
class Notifier(Protocol):
    """Code for one kind of channel, built with its own options struct.

    It takes its options and Tools. What `send` cannot do comes back as an outcome, never as an exception.
    """

    kind: ClassVar[str]
    Options: ClassVar[type]

    def __init__(self, options: Any, tools: Tools) -> None: ...

    @property
    def limit(self) -> int:
        """The longest text of one message in this channel's own units, as `measure` counts them."""
        ...

    def measure(self, lines: tuple[Line, ...]) -> int:
        """How much of `limit` these lines take."""
        ...

    async def send(self, message: Message) -> Outcome:
        """Deliver one part; never raises for what the network or the far side does."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
