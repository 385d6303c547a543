"""The door for people: one command a verb. Results go to stdout, everything else to stderr.

Exit 0: done; 1: the answer is no; 2: bad usage or input, said in one line. Imports are lazy, so that --help and a
short replay start at once.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from monitor.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collectors.captures import Captures
    from monitor.config import Config
    from monitor.listing import Listing
    from monitor.model.address import IPNetwork
    from monitor.sinks.terminal import Terminal

app = typer.Typer(
    name="camwarden",
    help="Watches what cameras do on the network: whom they call, where that is, whose it is and under whose law.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
geo_app = typer.Typer(help="Where an address is and whose.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(geo_app, name="geo")
data_app = typer.Typer(
    help="Newer address data and catalogue rows for a site that nothing is fetched to: signed bundles.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(data_app, name="data")

BAD_INPUT = 2
COLLECT: Final = (50_000, 20, 100)
"""Objects made between looks for cycles: next to nothing that is made on the way to a command is ever garbage."""


class Format(StrEnum):
    PRETTY = "pretty"
    JSONL = "jsonl"


class Wall(StrEnum):
    NFTABLES = "nftables"


class Grade(StrEnum):
    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


def _tell_version(wanted: bool) -> None:
    if wanted:
        from monitor import __version__

        sys.stdout.write(f"camwarden {__version__}\n")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="Say which version this is.", callback=_tell_version, is_eager=True)
]


@app.callback()
def options(*, version: Version = False) -> None:
    """Options that stand before the command."""


StateDir = Annotated[Path | None, typer.Option("--state", help="Directory of the journal.")]
Shown = Annotated[Format, typer.Option("--format", help="Tables for people, or JSON lines.")]


Capture = Annotated[list[str], typer.Argument(help="pcap or pcapng files, .gz and .zst too; - is standard input.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Configuration (TOML).")]


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Play every scenario once, print a summary and end.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Play without pauses.")] = False,
) -> None:
    """Play the bundled scenarios through the whole daemon: real MQTT broker, real metrics, on 127.0.0.1.

    Fifteen recorded scenes of camera networks, from a quiet site to a storm, each told in words and then watched; what
    is shown is what a subscriber of the broker received. It ends with Ctrl-C. Nothing is installed, kept or sent out.
    """
    import asyncio

    from monitor.demo import Demo
    from monitor.logs import configure
    from monitor.sinks.embedded_broker import BrokerError

    try:
        configure(quiet=True)
        good = asyncio.run(Demo(once=once, paced=not fast).run())
    except BrokerError as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    if not good:
        raise typer.Exit(1)


@app.command()
def run(
    config: Annotated[Path, typer.Option("--config", help="Configuration (TOML); read again on SIGHUP or change.")],
    user: Annotated[
        str | None, typer.Option("--user", help="Become this user once the tap is open, if started as root.")
    ] = None,
) -> None:
    """Watch a mirror port, a folder of rotated captures or a pipe, for months.

    The source is opened first; then every privilege is given up, and only then a packet is parsed. Incidents are
    journalled (sensor.state) before anybody is told of them. SIGHUP, or a change of the file, takes over site, groups
    and devices; what needs a restart is named in the log. deploy/ has a hardened unit for systemd, and a container.
    """
    from collectors.damage import CaptureError
    from collectors.packet import TapError
    from monitor.config import ConfigError
    from monitor.enrich.catalogue import CatalogueError
    from monitor.enrich.geo import GeoError
    from monitor.logs import configure
    from monitor.notify import Notifier, NotifyError
    from monitor.privileges import PrivilegeError, drop
    from monitor.run import run as watch
    from monitor.sources import open_source
    from monitor.store.errors import CommitFailed, StoreError

    settings = configuration(config, None)
    try:
        notifier = Notifier.of(os.environ, os.getpid())
        source = open_source(settings.capture)
        drop(user)
        configure()
        fence(settings, config)
        watch(settings, config, source, notifier)
    except* (CommitFailed, OSError) as gone:
        fail(first_line(gone), code=1)
    except* (CaptureError, TapError, ConfigError, CatalogueError, GeoError, StoreError, ValueError) as wrong:
        fail(first_line(wrong))
    except* (NotifyError, PrivilegeError) as refused:
        fail(first_line(refused))


@app.command()
def replay(
    captures: Capture,
    config: ConfigFile = None,
    cameras: Annotated[
        list[str] | None, typer.Option("--cameras", metavar="NET", help="A host or network of cameras; repeatable.")
    ] = None,
    home: Annotated[
        list[str] | None, typer.Option("--home", metavar="CC", help="A home country, ISO 3166-1; repeatable.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="Directory of the journal; without it nothing is kept.")] = None,
    form: Annotated[Format, typer.Option("--format", help="For people, or OCSF messages as JSON lines.")] = (
        Format.PRETTY
    ),
) -> None:
    """Replay captures and print the incidents in them.

    Several captures are merged in time order. Without a configuration, hosts that show themselves to be cameras or
    recorders are watched; --cameras names them. Without --home every contact off the local networks is unexpected; with
    it the message says whether it is foreign. The same captures, configuration and data give the same bytes.
    """
    from monitor.enrich.catalogue import CatalogueError
    from monitor.enrich.geo import GeoError
    from monitor.replay import Replay, shortfalls, unwatched
    from monitor.sinks.jsonl import JsonLines
    from monitor.store.errors import StoreError

    settings = configuration(config, home)
    source = opened(captures)
    run = Replay(settings, source, state=state or state_of(settings), cameras=parse_networks(cameras or []))
    try:
        with output():
            engine = run.run(JsonLines(sys.stdout.buffer) if form is Format.JSONL else terminal())
    except (StoreError, CatalogueError, GeoError, ValueError) as error:
        fail(str(error))
    for note in (*shortfalls(engine), unwatched(engine, parse_networks(cameras or []))):
        if note is not None:
            complain(note)
    end(source)


def terminal() -> Terminal:
    """The tables for people; what draws them takes a twentieth of a second to import."""
    from monitor.sinks.terminal import Terminal

    return Terminal()


@app.command()
def observe(
    captures: Capture,
    kind: Annotated[list[str] | None, typer.Option("--kind", help="Only this kind; repeatable.")] = None,
    config: ConfigFile = None,
) -> None:
    """Print what was said on the wire, one JSON object a line.

    Names, versions, greetings, requests and what each flow came to, before anybody judges it; passwords, keys and
    tokens are cut where they are read. For jq, and for whoever wants to know why camwarden believes something.
    """
    from monitor.enrich.catalogue import CatalogueError
    from monitor.enrich.geo import GeoError
    from monitor.replay import observe as run
    from monitor.sinks.observations import kinds

    unknown = set(kind or ()) - kinds()
    if unknown:
        fail(f"--kind {min(unknown)}: no such kind; there are {', '.join(sorted(kinds()))}")
    settings = configuration(config, None)
    source = opened(captures)
    try:
        with output():
            run(settings, source, frozenset(kind or ()), sys.stdout.buffer)
    except (CatalogueError, GeoError, ValueError) as error:
        fail(str(error))
    end(source)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The configuration.")],
    explain: Annotated[
        tuple[str, str] | None,
        typer.Option("--explain", metavar="DEVICE DEST", help="Which rule decides about this device and destination."),
    ] = None,
) -> None:
    """Check a configuration, and explain what the policy decides and why.

    An unknown key, a wrong type or a network that is none is one line that names file, key and the nearest known key.
    Files that it names (catalogue, databases, certificates, passwords) are looked at too: what `run` would refuse at
    its start or at its first connection is an error. Habits that are no good idea are warned of. DEVICE is a name of
    the inventory or an address, DEST a name or an address, with a service behind it if it matters ("example.org ntp").
    """
    from monitor.checking import look
    from monitor.config import ConfigError
    from monitor.explain import explain as explained
    from monitor.explain import validate

    try:
        settings = validate(file)
        if explain is None:
            found = look(settings)
            for error in found.errors:
                complain(f"{file}: {error}")
            for warning in found.warnings:
                sys.stderr.write(f"warning: {printable(warning)}\n")
            for note in found.notes:
                sys.stderr.write(f"note: {printable(note)}\n")
            if found.errors:
                raise typer.Exit(1)
            devices, groups = len(settings.device), len(settings.group)
            sys.stdout.write(f"{file}: good: {devices} devices, {groups} groups, sensor {settings.sensor.name}\n")
            return
        allowed, words = explained(settings, *explain)
    except (ConfigError, ValueError) as wrong:
        fail(str(wrong), code=1)
    with output():
        sys.stdout.write(words + "\n")
    if not allowed:
        raise typer.Exit(1)


@app.command("test-alert")
def alert_test(
    config: Annotated[Path, typer.Option("--config", help="Configuration (TOML).")],
    severity: Annotated[Grade, typer.Option("--severity", help="How grave it pretends to be.")] = Grade.INFORMATIONAL,
    wait: Annotated[float, typer.Option("--wait", min=1, max=120, help="Seconds that each sink has.")] = 15.0,
) -> None:
    """Send one incident that is marked as a test through every sink. Exit 1 if one does not take it.

    It leaves the journal alone, so it may be run beside the daemon.
    """
    import asyncio

    from monitor.logs import configure
    from monitor.rehearsal import rehearse

    settings = configuration(config, None)
    configure(quiet=True)
    good = True
    try:
        with output():
            told = asyncio.run(rehearse(settings, severity.value, wait))
            for each in told:
                good &= each.accepted
                sys.stdout.write(f"{each.line()}\n")
    except ValueError as error:
        fail(str(error))
    if not told:
        fail(f"{config}: no sink is configured: neither mqtt nor syslog nor webhook")
    if not good:
        raise typer.Exit(1)


@app.command()
def doctor(
    captures: Annotated[
        list[str] | None, typer.Argument(help="Captures from the mirror, instead of an interface.", show_default=False)
    ] = None,
    interface: Annotated[
        list[str] | None, typer.Option("--interface", metavar="IF", help="Look at this interface; repeatable.")
    ] = None,
    period: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 90s, 5m, 1h.")] = "60s",
    config: ConfigFile = None,
    cameras: Annotated[
        list[str] | None, typer.Option("--cameras", metavar="NET", help="A host or network of cameras; repeatable.")
    ] = None,
) -> None:
    """Say whether this machine is fit, and this mirror: a line each, green, amber or red. Exit 1 if any is red."""
    from monitor.doctor import examining
    from monitor.doctor.finding import Light

    if captures and interface:
        fail("captures or --interface, not both")
    settings = configuration(config, None)
    networks = parse_networks(cameras or [])
    source = opened(captures) if captures else None
    lights = set()
    try:
        if source is not None:
            findings = examining.captures(settings, source, networks)
        else:
            findings = examining.here(settings, interface or [], seconds_of(period), networks, complain)
        with output():
            for finding in findings:
                lights.add(finding.light)
                sys.stdout.write(finding.line(colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ) + "\n")
                sys.stdout.flush()
    except ValueError as error:
        fail(str(error))
    if source is not None:
        end(source)
    if Light.RED in lights:
        raise typer.Exit(1)


@app.command()
def poll(
    config: Annotated[Path, typer.Option("--config", help="Configuration (TOML).")],
    device: Annotated[str | None, typer.Argument(help="Inventory name; without it, all that have poll.")] = None,
    state: StateDir = None,
) -> None:
    """Ask devices once what they are and can do, read-only, and show what changed. Exit 1 if one does not answer.

    Only the configured address is asked, with Digest or WS-UsernameToken, never Basic in the clear; nothing is followed
    and nothing set. Answers go to the ledger of --state, where `camwarden ledger` shows them.
    """
    from collectors.poll.reply import Outcome
    from monitor.enrich.catalogue import CatalogueError
    from monitor.enrich.geo import GeoError
    from monitor.polling import poll as ask
    from monitor.store.errors import StoreError

    settings = configuration(config, None)
    silent = False
    try:
        with output():
            for polled in ask(settings, device, state or state_of(settings)):
                silent |= not polled.answered
                counts = {each: sum(reply.outcome is each for reply in polled.replies) for each in Outcome}
                sys.stdout.write(
                    f"{polled.device}: {', '.join(f'{n} {o}' for o, n in counts.items() if n) or 'silent'}\n"
                )
                for line in polled.changes or ["nothing changed"]:
                    sys.stdout.write(f"  {line}\n")
                for transition in polled.transitions:
                    sys.stdout.write(f"  {transition.severity.label} {transition.kind}: {transition.message}\n")
                for reply in polled.replies:
                    if reply.outcome in (Outcome.REFUSED, Outcome.FAILED):
                        complain(f"{reply.device}: {reply.question}: {reply.outcome}: {reply.why}")
    except (StoreError, CatalogueError, GeoError, ValueError) as error:
        fail(str(error))
    if silent:
        raise typer.Exit(1)


@app.command()
def firewall(
    config: ConfigFile = None,
    incident: Annotated[
        str | None,
        typer.Option("--incident", metavar="UID", help="Block the other ends of this one; its id or its first digits."),
    ] = None,
    state: StateDir = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Drop also where a rule is about a name, which nftables cannot be told.")
    ] = False,
    form: Annotated[Wall, typer.Option("--format", help="For which firewall.")] = Wall.NFTABLES,
) -> None:
    """Print a ruleset for a firewall: what the policy allows each group, or a block list from an incident.

    It changes nothing here: read it, then give it to nft. What the policy says by name, country or operator cannot be
    told to a packet filter, and is a warning.
    """
    from monitor.firewall import allowing, blocking
    from monitor.store.errors import StoreError

    settings = configuration(config, None)
    directory = state or state_of(settings)
    if incident is None and config is None:
        fail("--config FILE for what is allowed, or --incident UID --state DIR for what to block")
    if incident is not None and directory is None:
        fail("--state DIR or a configuration with sensor.state is needed: whose journal?")
    assert form is Wall.NFTABLES  # noqa: S101  the only one there is
    try:
        if incident is not None and directory is not None:
            made = blocking(directory, incident, settings)
        else:
            made = allowing(settings, strict=strict)
    except (StoreError, ValueError) as error:
        fail(str(error))
    with output():
        sys.stdout.write(made.text)
    for line in made.unsaid:
        complain(f"warning: {line}")


@app.command()
def devices(state: StateDir = None, config: ConfigFile = None, form: Shown = Format.PRETTY) -> None:
    """List the watched devices: what each is, what it runs and how its functions stand.

    From the journal of a daemon, also while it runs, or of a replay with --state.
    """
    listing(state, config, lambda it, lines: it.devices(sys.stdout, lines=lines), form)


@app.command()
def ledger(state: StateDir = None, config: ConfigFile = None, form: Shown = Format.PRETTY) -> None:
    """List what each device can do, has enabled and does, and who says so; and its updates.

    dormant: it can, and is not set to; it can be switched on from afar. hidden: it does, and never said that it can.
    contradicted: it says no, and does. What nobody has said is not listed; unknown never reads as no.
    """
    listing(state, config, lambda it, lines: it.ledger(sys.stdout, lines=lines), form)


@app.command()
def incidents(state: StateDir = None, config: ConfigFile = None, form: Shown = Format.PRETTY) -> None:
    """List the incidents of the journal, those with the newest news first.

    A row each: its id's first digits, when it was last seen, how grave, which device, what kind, how it stands, and the
    newest sentence.
    """
    listing(state, config, lambda it, lines: it.incidents(sys.stdout, lines=lines), form)


@app.command()
def explain(
    incident: Annotated[str, typer.Argument(help="Id of an incident, or as much of it as is unambiguous.")],
    state: StateDir = None,
    config: ConfigFile = None,
) -> None:
    """Say in plain words what Wireshark's dissectors see in the packets of an incident. Needs tshark."""
    from collectors.dissect import DissectError
    from monitor.dissection import NoEvidence, find
    from monitor.dissection import explain as explained
    from monitor.store.errors import StoreError

    directory = state or state_of(configuration(config, None))
    if directory is None:
        fail("--state DIR or a configuration with sensor.state is needed: whose journal?")
    try:
        lines = list(explained(find(directory, incident)))
    except NoEvidence as none:
        fail(str(none), code=1)
    except (StoreError, DissectError, ValueError) as error:
        fail(str(error))
    with output():
        sys.stdout.writelines(f"{line}\n" for line in lines)


@app.command()
def report(
    out: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.html", help="The file to write.")],
    state: StateDir = None,
    config: ConfigFile = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then on: 2026-11-01, 2026-11-01T08:00, ...Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Until then; a day means its beginning.")] = None,
) -> None:
    """Write the assurance report: what each device did and did not do, and how well it was watched, as one HTML file.

    Times without an offset are by the site's clock (site.time_zone).
    """
    import time

    from monitor.enrich.catalogue import Catalogue, CatalogueError
    from monitor.report.making import make, moment
    from monitor.store.errors import StoreError

    settings = configuration(config, None)
    directory = state or state_of(settings)
    if directory is None:
        fail("--state DIR or a configuration with sensor.state is needed: whose journal?")
    try:
        span = (moment(since, settings.site, "--since"), moment(until, settings.site, "--until"))
        catalogue = Catalogue.load(*(Path(each) for each in settings.sensor.catalogue))
        page, damaged = make(directory, settings.site, catalogue, *span, made_ns=time.time_ns())
        out.write_bytes(page)
    except (StoreError, CatalogueError, ValueError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{out}: {error.strerror or error}")
    if damaged:
        complain(f"warning: {damaged} rows of the journal cannot be read")
        raise typer.Exit(BAD_INPUT)


@geo_app.command("show")
def geo_show(
    address: Annotated[str, typer.Argument(help="An IPv4 or IPv6 address.")], config: ConfigFile = None
) -> None:
    """Where an address is, whose network it is in and what the catalogue knows of it."""
    from monitor.enrich.geo import GeoError
    from monitor.explain import show_address

    try:
        words = show_address(configuration(config, None), address)
    except (GeoError, ValueError) as error:
        fail(str(error))
    with output():
        sys.stdout.write(words + "\n")


@data_app.command("pack")
def data_pack(
    out: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The bundle; FILE.sig beside it.")],
    key: Annotated[Path, typer.Option("--key", help="Private Ed25519 key, PEM.")],
    database: Annotated[list[Path] | None, typer.Option("--database", help="An mmdb file; repeatable.")] = None,
    catalogue: Annotated[Path | None, typer.Option("--catalogue", help="A directory of catalogue rows.")] = None,
) -> None:
    """Pack and sign a bundle, where there is a way out. It is tried out first: what would not install is not packed."""
    import time

    from monitor.bundle.installing import pack
    from monitor.bundle.signing import BundleError

    try:
        names = pack(out, key, database or [], catalogue, int(time.time()))
    except BundleError as error:
        fail(str(error))
    sys.stdout.write(f"{out}: {', '.join(names)}\n")


@data_app.command("install")
def data_install(
    bundle: Annotated[Path, typer.Argument(help="The bundle; its signature is beside it, as FILE.sig.")],
    key: Annotated[list[Path], typer.Option("--key", help="A public Ed25519 key that is trusted, PEM; repeatable.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="Where DIR/current is to be the new one.")],
    older: Annotated[bool, typer.Option("--older", help="Also where what is there was packed later.")] = False,
) -> None:
    """Verify a bundle, try it out and make it current, all or nothing. Exit 1 if it is not trusted, or is older."""
    from monitor.bundle.installing import day, install
    from monitor.bundle.signing import BundleError, RefusedError

    try:
        manifest = install(bundle, key, into, older=older)
    except RefusedError as error:
        fail(str(error), code=1)
    except BundleError as error:
        fail(str(error))
    sys.stdout.write(
        f"{into}/current: of {day(manifest.made)}: {', '.join(sorted(manifest.files))}; restart camwarden\n"
    )


@data_app.command("show")
def data_show(into: Annotated[Path, typer.Argument(metavar="DIR", help="As given to install.")]) -> None:
    """Say what is installed. Exit 1 if nothing is."""
    from monitor.bundle.installing import day, installed
    from monitor.bundle.signing import BundleError

    try:
        manifest = installed(into)
    except BundleError as error:
        fail(str(error))
    if manifest is None:
        fail(f"{into}: nothing is installed", code=1)
    sys.stdout.write(f"of {day(manifest.made)}\n")
    for name, file in sorted(manifest.files.items()):
        sys.stdout.write(f"{file.sha256}  {name}\n")


def listing(state: Path | None, config: Path | None, show: Callable[[Listing, bool], None], form: Format) -> None:
    """Read a journal and show what is asked for."""
    from monitor.enrich.catalogue import Catalogue, CatalogueError
    from monitor.listing import Listing
    from monitor.store.errors import StoreError

    settings = configuration(config, None)
    directory = state or state_of(settings)
    if directory is None:
        fail("--state DIR or a configuration with sensor.state is needed: whose journal?")
    try:
        catalogue = Catalogue.load(*(Path(each) for each in settings.sensor.catalogue))
        read = Listing(directory, catalogue.vocabulary)
    except (StoreError, CatalogueError) as error:
        fail(str(error))
    with output():
        show(read, form is Format.JSONL)
    if read.damaged:
        complain(f"warning: {read.damaged} rows of the journal cannot be read")
        raise typer.Exit(BAD_INPUT)


def configuration(path: Path | None, home: list[str] | None) -> Config:
    """The configuration with what the command line says on top."""
    import msgspec

    from monitor.config import Config, ConfigError, check_countries, load

    try:
        settings = load(path) if path is not None else Config()
    except ConfigError as error:
        fail(str(error))
    try:
        check_countries(home or (), "--home")
    except ValueError as error:
        fail(str(error))
    if home:
        codes = tuple(country.upper() for country in home)
        settings = msgspec.structs.replace(settings, site=msgspec.structs.replace(settings.site, home=codes))
    return settings


def seconds_of(period: str) -> float:
    """A time of a second to a day, in words such as 90s, 5m, 1h."""
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (period[:-1], period[-1:]) if period[-1:] in units else (period, "s")
    seconds = int(number) * units[unit] if number.isascii() and number.isdigit() and len(number) < 6 else 0
    if not 1 <= seconds <= 86_400:
        fail(f"--for {period}: a time of 1s to 24h is wanted, such as 90s, 5m or 1h")
    return seconds


def state_of(settings: Config) -> Path | None:
    return Path(settings.sensor.state) if settings.sensor.state is not None else None


def parse_networks(entries: list[str]) -> list[IPNetwork]:
    from monitor.config import networks

    try:
        return networks(tuple(entries), "--cameras")
    except ValueError as error:
        fail(str(error))


def opened(paths: list[str]) -> Captures:
    from collectors.captures import Captures

    return Captures(paths)


def end(source: Captures) -> None:
    """Say what could not be read, as a warning where it could in part; exit 2 if anything."""
    for damage in source.damage:
        complain(("warning: " if damage.offset else "") + str(damage).replace("\n", " "))
    if source.damage:
        raise typer.Exit(BAD_INPUT)


def fence(settings: Config, path: Path) -> None:
    """The second fence: nothing beyond what the configuration names can be read or written from here on."""
    import structlog

    from monitor.enrich.data.unpacking import default_cache
    from monitor.landlock import confine

    state, cache = state_of(settings), Path(settings.geo.cache) if settings.geo.cache is not None else default_cache()
    written = [each for each in (state, cache) if each is not None]
    for each in written:
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    asked = [device.poll for device in settings.device if device.poll is not None]
    given = [each for poll in asked for each in (poll.password_file, poll.tls.ca if poll.tls is not None else None)]
    given += [*settings.geo.databases, *settings.sensor.catalogue, settings.capture.folder, settings.capture.pipe]
    listen = [settings.prometheus.port] if settings.prometheus is not None else []
    if settings.mqtt is not None:
        tls = settings.mqtt.tls
        given += [settings.mqtt.password_file, *((tls.ca, tls.cert, tls.key) if tls is not None else ())]
        listen.append(0)  # paho's wake-up pair is a TCP connection of its own to 127.0.0.1, on any free port
    trusted = [each.tls for each in settings.syslog] + [each.tls for each in settings.webhook]
    given += [path for tls in trusted if tls is not None for path in tls.paths()]
    given += [path for each in settings.webhook for path in (each.token_file, each.hmac_file)]
    # Directories: what a reload or a new password finds there is a new file.
    read = [path.resolve().parent, *(Path(each).resolve().parent for each in given if each is not None)]
    for missing in confine(read=read, write=written, listen=listen).missing:
        structlog.get_logger().warning("landlock", missing=missing)


def first_line(group: BaseExceptionGroup[Exception]) -> str:
    """The first of what went wrong at once."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


def complain(line: str) -> None:
    """One line on standard error. File names and rules are the user's, but may be anything: no control characters."""
    sys.stderr.write("camwarden: " + printable(line, keep="\n") + "\n")


def fail(line: str, code: int = BAD_INPUT) -> NoReturn:
    complain(line)
    raise typer.Exit(code)


@contextmanager
def output() -> Iterator[None]:
    """What happens to standard output is nobody's defect: a closed pipe ends the run, a full disk is one line."""
    if sys.stdout is None:  # closed before the start: Python makes no object for it
        fail("standard output: closed")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(0)  # the reader is gone: nothing is left to say, and nobody to hear it
    except OSError as error:
        complain(f"standard output: {error.strerror or error}")
        os._exit(BAD_INPUT)  # whatever is still buffered cannot be written either


def describe(commands: typer.Typer, before: str = "") -> None:
    """Give every command examples and exit codes below its options. KeyError for one that has none."""
    from monitor.manual import epilog

    for command in commands.registered_commands:
        words = command.name or (command.callback.__name__ if command.callback is not None else "")
        command.epilog = epilog(before + words)
    for group in commands.registered_groups:
        if group.typer_instance is not None:
            describe(group.typer_instance, f"{before}{group.name} ")


def main() -> None:
    """Entry point."""
    gc.set_threshold(*COLLECT)
    describe(app)
    app()


if __name__ == "__main__":
    main()
