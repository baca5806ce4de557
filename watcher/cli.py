"""The command line: reads the words, calls app, prints for people or as JSON lines. One of people's two doors."""

from __future__ import annotations

import asyncio
import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from watcher import __version__, asking
from watcher.asking import Desk

app = typer.Typer(
    name="watcher",
    help="Watch report and policy pages, say exactly what changed, and alert a channel.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with `watcher demo`, a tour that needs no network, or `watcher check` for the pages in config.toml.",
)
db = typer.Typer(help="The store: copied, put back, looked through, brought up to date.", no_args_is_help=True)
app.add_typer(db, name="db")
subs = typer.Typer(help="People: who has joined, what chats are told, invitations.", no_args_is_help=True)
app.add_typer(subs, name="subs")
oncall = typer.Typer(invoke_without_command=True)
app.add_typer(oncall, name="oncall")


class LogLevel(StrEnum):
    """How much of the log goes to standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"


class Format(StrEnum):
    """How `show` prints a document."""

    TEXT = "text"
    JSON = "json"
    RAW = "raw"


ConfigPath = Annotated[
    Path, typer.Option("--config", envvar="WATCHER_CONFIG", help="The configuration.", show_default=True)
]
Now = Annotated[str, typer.Option("--now", metavar="T", help="Let the clock stand at T: for trying things out.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line; words for people go to stderr.")]
Log = Annotated[LogLevel, typer.Option("--log-level", help="What is logged to stderr.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A source.", autocompletion=asking.complete_source)]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Sources.", autocompletion=asking.complete_source)
]
Since = Annotated[str, typer.Option("--since", metavar="T", help="From T on: 2017-03-20, 2017-03-20T16:00:00Z or 3d.")]
Rota = Annotated[str, typer.Option("--rota", metavar="NAME", help="The rota; needed where there are several.")]
Person = Annotated[str, typer.Argument(metavar="PERSON", help="Somebody of a [[person]] in config.toml.")]
Member = Annotated[str, typer.Argument(metavar="PERSON", help="Their Telegram user id, or their name.")]
Until = Annotated[str, typer.Option("--until", metavar="T", help="Up to T.")]

CONFIG = Path("config.toml")
SEVERITIES = ("cosmetic", "minor", "major", "urgent")


@app.callback(invoke_without_command=True)
def version(
    *, show: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False
) -> None:
    """Watch report and policy pages, say exactly what changed, and alert a channel."""
    if show:
        typer.echo(f"watcher {__version__}")
        raise typer.Exit


@app.command(epilog="Example: watcher check doj-sanctuary-list --json")
def check(
    names: Names = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All sources, whether due or not.")] = False,
    config: ConfigPath = CONFIG,
    now: Now = "",
    json: Json = False,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Check the sources that are due (or named, or all) once, deliver what results, and end.

    Exit 0: done. 1: a source could not be checked, or a delivery failed. 2: wrong usage or configuration.
    """
    desk = Desk.begin(config, now=now, json=json, log_level=log_level)
    from watcher.commands import checking

    raise typer.Exit(asyncio.run(checking.check(desk, names or [], everything=everything)))


@app.command()
def run(*, config: ConfigPath = CONFIG, log_level: Log = LogLevel.INFO) -> None:
    """Run the service: check each source when it is due, and deliver, until it is told to stop (Ctrl-C, SIGTERM)."""
    desk = Desk.begin(config, log_level=log_level)
    from watcher.commands import checking

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await checking.serve(desk, stop)

    asyncio.run(serve())


@app.command()
def sources(
    *, config: ConfigPath = CONFIG, now: Now = "", json: Json = False, log_level: Log = LogLevel.WARNING
) -> None:
    """List the sources: their state, what they hold, when each was checked, changed and is due."""
    desk = Desk.begin(config, now=now, json=json, log_level=log_level)
    from watcher.commands import reading

    reading.sources(desk)


@app.command(epilog="Example: watcher history --place 'Cook County, IL' --since 30d --kind 'jurisdiction.*'")
def history(
    name: Annotated[str, typer.Argument(metavar="[NAME]", autocompletion=asking.complete_source)] = "",
    *,
    since: Since = "",
    until: Until = "",
    kind: Annotated[str, typer.Option("--kind", metavar="K", help='A change kind, or a glob: "jurisdiction.*".')] = "",
    place: Annotated[str, typer.Option("--place", metavar="P", help='A place: "Cook County, IL".')] = "",
    config: ConfigPath = CONFIG,
    now: Now = "",
    json: Json = False,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Print the stored changes, oldest first, cosmetic ones too."""
    desk = Desk.begin(config, now=now, json=json, log_level=log_level)
    from watcher.commands import reading

    reading.history(desk, name, since=desk.time(since), until=desk.time(until), kind=kind, place=place)


@app.command()
def show(
    name: Name,
    *,
    at: Annotated[str, typer.Option("--at", metavar="T", help="As of this time.")] = "",
    output: Annotated[Format, typer.Option("--format", help="As text, as JSON, or the bytes that came.")] = Format.TEXT,
    config: ConfigPath = CONFIG,
    now: Now = "",
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Print the document of a source, or its raw bytes, as of a time."""
    desk = Desk.begin(config, now=now, json=output is not Format.TEXT, log_level=log_level)
    from watcher.commands import reading

    raise typer.Exit(asyncio.run(reading.show(desk, desk.source(name), at=desk.time(at), output=output.value)))


@app.command(epilog="Example: watcher diff doj-sanctuary-list 2025-08-05 2025-11-01")
def diff(
    name: Name,
    start: Annotated[str, typer.Argument(metavar="[FROM]", help="A time or a snapshot id; else the one before.")] = "",
    end: Annotated[str, typer.Argument(metavar="[TO]", help="A time or a snapshot id; else the latest.")] = "",
    *,
    config: ConfigPath = CONFIG,
    now: Now = "",
    json: Json = False,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Print what differs between two captures of a source: words struck and added, rows by key."""
    desk = Desk.begin(config, now=now, json=json, log_level=log_level)
    from watcher.commands import reading

    raise typer.Exit(asyncio.run(reading.diff(desk, desk.source(name), start, end)))


@app.command(epilog="Example: watcher backfill dod-forms --from captures.tar.xz")
def backfill(
    name: Name,
    *,
    start: Annotated[
        str,
        typer.Option(
            "--from", metavar="DIR", help="A folder or tar of files named 2017-03-20T16-00-00Z.html; or wayback."
        ),
    ],
    since: Since = "",
    until: Until = "",
    config: ConfigPath = CONFIG,
    now: Now = "",
    json: Json = False,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Take old captures into the history, with their own times. Nothing is alerted, and twice is once."""
    desk = Desk.begin(config, now=now, json=json, log_level=log_level)
    from watcher.commands import filling

    source = desk.source(name)
    asyncio.run(filling.backfill(desk, source, start, since=desk.time(since), until=desk.time(until)))


@app.command(epilog="Example: watcher verify doj-sanctuary-list --json")
def verify(
    name: Annotated[str, typer.Argument(metavar="[NAME]", autocompletion=asking.complete_source)] = "",
    *,
    stamps: Annotated[bool, typer.Option("--anchors", help="Check each time stamp of each anchor, too.")] = False,
    head: Annotated[
        str, typer.Option("--head", metavar="HEX", help="A head that was told to a channel: is it still there?")
    ] = "",
    config: ConfigPath = CONFIG,
    now: Now = "",
    json: Json = False,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Follow the chains of evidence: is all that is stored as it was stored?

    Exit 0: it is. 1: something does not hold; the first bad snapshot is named. 2: wrong usage or configuration.
    """
    desk = Desk.begin(config, now=now, json=json, log_level=log_level)
    from watcher.commands import proving

    raise typer.Exit(proving.verify(desk, name, stamped=stamps, head=head))


class LostCommand(TyperCommand):
    """A command whose --only-lost may stand without a severity: then it is minor."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # the same class
        """Put the severity in where it is left out."""
        for place in [place for place, word in enumerate(args, start=1) if word == "--only-lost"]:
            if args[place : place + 1] not in ([one] for one in SEVERITIES):
                args.insert(place, "minor")
        return super().parse_args(ctx, args)


@app.command(cls=LostCommand, epilog="Example: watcher replay --since 2017-03-20 --config-new quieter.toml --only-lost")
def replay(
    name: Annotated[str, typer.Argument(metavar="[NAME]", autocompletion=asking.complete_source)] = "",
    *,
    since: Since = "",
    until: Until = "",
    to: Annotated[str, typer.Option("--to", metavar="CHANNEL", help="Send it there, too, marked as a replay.")] = "",
    speed: Annotated[
        float | None, typer.Option("--speed", metavar="N", help="N seconds of history in one of ours.")
    ] = None,
    config_new: Annotated[
        Path | None, typer.Option("--config-new", metavar="FILE", help="What this configuration would have told.")
    ] = None,
    only_lost: Annotated[
        str,
        typer.Option("--only-lost", metavar="[SEVERITY]", help="Only alerts that are lost, minor ones and above."),
    ] = "",
    report: Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Write a page of HTML.")] = None,
    config: ConfigPath = CONFIG,
    now: Now = "",
    json: Json = False,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Replay the stored history as it was told, or with other rules. Nothing is fetched, and nothing sent unasked."""
    desk = Desk.begin(config, now=now, json=json, log_level=log_level)
    from watcher.commands import replaying

    raise typer.Exit(
        asyncio.run(
            replaying.run(
                desk,
                name,
                since=desk.time(since),
                until=desk.time(until),
                to=to,
                speed=speed,
                new=config_new,
                only_lost=only_lost,
                report=report,
            )
        )
    )


@app.command(epilog="Example: watcher export doj-sanctuary-list --to evidence.zip")
def export(
    name: Name,
    *,
    to: Annotated[
        Path,
        typer.Option("--to", metavar="FILE", help="Ends in .warc.gz or .zip (captures), .jsonl or .csv (changes)."),
    ],
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE if it is there.")] = False,
    config: ConfigPath = CONFIG,
    json: Json = False,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Write the history of a source to a file: its captures with their proof, or its changes."""
    desk = Desk.begin(config, json=json, log_level=log_level)
    from watcher.commands import proving

    proving.export(desk, name, to, force=force)


@app.command("import", epilog="Example: watcher import doj-sanctuary-list evidence.zip")
def take_in(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A WARC file, or an evidence bundle (.zip).")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Take captures of another page, too.")] = False,
    config: ConfigPath = CONFIG,
    now: Now = "",
    json: Json = False,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Take the captures of a WARC file or a bundle into the history. Nothing is alerted, and twice is once."""
    desk = Desk.begin(config, now=now, json=json, log_level=log_level)
    from watcher.commands import proving

    asyncio.run(proving.take_in(desk, desk.source(name), file, force=force))


@app.command()
def doctor(*, config: ConfigPath = CONFIG) -> None:
    """Check the set-up: configuration, store, libraries, the child processes. Exit 1 where something is wrong."""
    from watcher.commands import health

    raise typer.Exit(health.doctor(config))


@oncall.callback(epilog="Example: watcher oncall --at 2026-12-24 --rota immigration")
def on_call(
    context: typer.Context,
    *,
    at: Annotated[str, typer.Option("--at", metavar="T", help="As of this time, past or to come.")] = "",
    rota: Annotated[str, typer.Option("--rota", metavar="NAME", help="One rota; else all.")] = "",
    config: ConfigPath = CONFIG,
    now: Now = "",
    json: Json = False,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Print who is on call now and in the next four weeks; take, swap, override and cancel change it."""
    if context.invoked_subcommand:
        return
    desk = Desk.begin(config, now=now, json=json, log_level=log_level)
    from watcher.commands import oncall as on_duty

    on_duty.show(desk, rota, desk.time(at))


@oncall.command(epilog="Example: watcher oncall take Ben --until 2026-03-02T09:00:00Z")
def take(
    person: Person,
    *,
    rota: Rota = "",
    since: Annotated[str, typer.Option("--from", metavar="T", help="From T on; else from now.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="T", help="Until T; else while the shift lasts.")] = "",
    config: ConfigPath = CONFIG,
    now: Now = "",
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Somebody takes over the shift that runs, or part of one."""
    desk = Desk.begin(config, now=now, log_level=log_level)
    from watcher.commands import oncall as on_duty

    on_duty.take(desk, person, rota, since, until)


@oncall.command(epilog="Example: watcher oncall swap Ana Ben")
def swap(
    person: Person,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Whose next shift they get.")],
    *,
    rota: Rota = "",
    config: ConfigPath = CONFIG,
    now: Now = "",
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Two people exchange their next shifts, or what is left of one that runs."""
    desk = Desk.begin(config, now=now, log_level=log_level)
    from watcher.commands import oncall as on_duty

    on_duty.swap(desk, person, other, rota)


@oncall.command()
def override(
    person: Person,
    *,
    since: Annotated[str, typer.Option("--from", metavar="T", help="From T on.")],
    until: Annotated[str, typer.Option("--until", metavar="T", help="Until T.")],
    instead: Annotated[str, typer.Option("--instead", metavar="WHO", help="Only while this person is on call.")] = "",
    rota: Rota = "",
    config: ConfigPath = CONFIG,
    now: Now = "",
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Somebody is on call between two times, whoever else would be."""
    desk = Desk.begin(config, now=now, log_level=log_level)
    from watcher.commands import oncall as on_duty

    on_duty.override(desk, person, rota, since, until, instead)


@oncall.command()
def cancel(
    exchange: Annotated[str, typer.Argument(metavar="ID", help="The exchange, as `watcher oncall` lists it.")],
    *,
    rota: Rota = "",
    config: ConfigPath = CONFIG,
    now: Now = "",
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Cancel what was taken, swapped or overridden; of what runs, the rest."""
    desk = Desk.begin(config, now=now, log_level=log_level)
    from watcher.commands import oncall as on_duty

    on_duty.cancel(desk, exchange, rota)


@subs.command("list")
def listed(
    *, config: ConfigPath = CONFIG, now: Now = "", json: Json = False, log_level: Log = LogLevel.WARNING
) -> None:
    """List who has joined, the chats with what they are told, and the invitations that hold."""
    desk = Desk.begin(config, now=now, json=json, log_level=log_level)
    from watcher.commands import subs as people

    people.show(desk)


@subs.command(epilog="Example: watcher subs invite --role reporter --until 2d")
def invite(
    *,
    role: Annotated[str, typer.Option("--role", help="reader, reporter, editor or admin.")] = "reader",
    uses: Annotated[int, typer.Option("--uses", metavar="N", help="How many people may use it.")] = 1,
    until: Annotated[str, typer.Option("--until", metavar="T", help="How long it holds: 2d, or a T; else a day.")] = "",
    config: ConfigPath = CONFIG,
    now: Now = "",
    json: Json = False,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Make an invitation; its code is printed, and stored nowhere."""
    desk = Desk.begin(config, now=now, json=json, log_level=log_level)
    from watcher.commands import subs as people

    people.invite(desk, role, uses, until)


@subs.command()
def revoke(
    invitation: Annotated[str, typer.Argument(metavar="ID", help="The invitation, as `watcher subs list` shows it.")],
    *,
    config: ConfigPath = CONFIG,
    now: Now = "",
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Take back an invitation."""
    desk = Desk.begin(config, now=now, log_level=log_level)
    from watcher.commands import subs as people

    people.revoke(desk, invitation)


@subs.command("role", epilog="Example: watcher subs role Ana editor")
def give_role(
    person: Member,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="reader, reporter, editor or admin.")],
    *,
    config: ConfigPath = CONFIG,
    now: Now = "",
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Make somebody who has joined a reader, reporter, editor or admin: more than before, or less."""
    desk = Desk.begin(config, now=now, log_level=log_level)
    from watcher.commands import subs as people

    people.role(desk, person, role)


@subs.command("export", epilog="Example: watcher subs export 222222 > ana.json")
def export_person(
    person: Member, *, config: ConfigPath = CONFIG, now: Now = "", log_level: Log = LogLevel.WARNING
) -> None:
    """Print all that is kept of somebody, as JSON."""
    desk = Desk.begin(config, now=now, log_level=log_level)
    from watcher.commands import subs as people

    people.export(desk, person)


@subs.command("delete")
def delete_person(
    person: Member, *, config: ConfigPath = CONFIG, now: Now = "", log_level: Log = LogLevel.WARNING
) -> None:
    """Delete somebody with their private chat; what they did stays, without who it was."""
    desk = Desk.begin(config, now=now, log_level=log_level)
    from watcher.commands import subs as people

    people.delete(desk, person)


@db.command()
def upgrade(*, config: ConfigPath = CONFIG, log_level: Log = LogLevel.WARNING) -> None:
    """Bring the store's tables up to this version. Every command does so by itself; this says what was done."""
    desk = Desk.begin(config, log_level=log_level)
    from watcher.commands import health

    health.upgrade(desk)


File = Annotated[Path, typer.Argument(metavar="FILE", help="The copy.")]


@db.command(epilog="Example: watcher db backup copy.db")
def backup(
    file: File,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    config: ConfigPath = CONFIG,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Copy the store to a file, while watcher runs or not."""
    desk = Desk.begin(config, log_level=log_level)
    from watcher.commands import keeping

    keeping.backup(desk, file, force=force)


@db.command(epilog="Example: watcher db restore copy.db --force")
def restore(
    file: File,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the store that is there.")] = False,
    config: ConfigPath = CONFIG,
    log_level: Log = LogLevel.WARNING,
) -> None:
    """Put a copy in the place of the store, once it was seen to be sound. Stop watcher first."""
    desk = Desk.begin(config, log_level=log_level)
    from watcher.commands import keeping

    keeping.restore(desk, file, force=force)


@db.command("check")
def check_store(*, config: ConfigPath = CONFIG, json: Json = False, log_level: Log = LogLevel.WARNING) -> None:
    """Look through the store: is the database whole, and is all evidence in it as it was stored?"""
    desk = Desk.begin(config, json=json, log_level=log_level)
    from watcher.commands import keeping

    raise typer.Exit(keeping.check(desk))


@app.command()
def demo(*, fast: Annotated[bool, typer.Option("--fast", help="Do not pause between the scenes.")] = False) -> None:
    """Tour the 2017 story on made pages, with no network: each alert as a reader would get it."""
    from watcher.demo import story

    raise typer.Exit(asyncio.run(story.tell(pause=not fast)))
