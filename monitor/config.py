"""Configuration: one TOML file in, checked values out, or one line that says what is wrong and where."""

from __future__ import annotations

import difflib
import errno
import ipaddress
import os
import re
import stat
import tomllib
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct, field

from collectors.opening import unwaiting
from collectors.poll.settings import PollConfig, target
from monitor.contacts.contacts import MAX_CONTACTS
from monitor.enrich.catalogue.countries import COUNTRIES
from monitor.enrich.devices import MAX_DEVICES as MAX_KNOWN
from monitor.enrich.devices import InventoryEntry
from monitor.evidence import config as evidence_config
from monitor.evidence.config import EvidenceConfig
from monitor.model.address import Address, Mac, mac_from_text, mac_text, pack
from monitor.model.address import text as address_text
from monitor.model.contacts import DeviceClass
from monitor.policy.maintenance import Maintenance
from monitor.policy.policy import Policy
from monitor.policy.settings import GroupConfig, SiteConfig
from monitor.sinks import syslog_config, webhook_config
from monitor.sinks.mqtt_config import MqttConfig
from monitor.sinks.prometheus_config import PrometheusConfig
from monitor.sinks.syslog_config import SyslogConfig
from monitor.sinks.webhook_config import WebhookConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from collectors.poll.target import Target
    from monitor.model.address import IPNetwork

ADDRESS_BYTES: Final = 16
MAX_DEVICES: Final = 1000
"""Inventory size: each is a metric label (threat model C6)."""
MOST_BYTES: Final = 1024 * 1024
"""Of the file: a thousand devices (MAX_DEVICES), each with every key that there is, are 0.8 MB."""
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `\$(?P<path>[^`]*)`)?")
_WRONG: Final = re.compile(r"(?P<what>.*) - at `\$(?P<path>[^`]*)`")
_PATTERN: Final = re.compile(r"Expected `str` matching regex '(?P<pattern>.*)'")
_CHOICE: Final = re.compile(r"Invalid enum value (?P<value>.*)")
PATTERNS: Final = {
    r"^[A-Za-z0-9._-]{1,64}$": "1 to 64 letters, digits, dots, underscores and hyphens",
    r"^[A-Za-z0-9_-]{1,32}$": "1 to 32 letters, digits, underscores and hyphens",
    r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$": "letters, digits, underscores and hyphens, in parts between single slashes",
    r"^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$": "a SHA-256: 64 hexadecimal digits, with colons or without",
    r"^[A-Za-z0-9.-]{1,253}$": "a host's name: letters, digits, dots and hyphens",
}
"""What each pattern of the models below means, in words."""


class ConfigError(Exception):
    """The configuration cannot be used. One line: file, key, what is wrong."""


class SensorConfig(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "camwarden"
    """Part of MQTT topics, metric labels and incident ids."""
    state: str | None = None
    """Directory of the journal."""
    catalogue: tuple[str, ...] = ()
    """Directories with catalogue rows of your own, the last one strongest."""


class DeviceConfig(Struct, frozen=True, forbid_unknown_fields=True, rename={"device_class": "class"}):
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    ip: str | tuple[str, ...] = ()
    mac: str | None = None
    group: str | None = None
    device_class: DeviceClass = DeviceClass.CAMERA
    label: str | None = None
    """What the sticker says, where another maker's device is inside."""
    poll: PollConfig | None = None
    """Ask it what it is and can do."""


class CaptureConfig(Struct, frozen=True, forbid_unknown_fields=True):
    interfaces: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=15)], ...], Meta(max_length=8)] = ()
    """What `run` watches: interfaces that mirror ports lead to (IFNAMSIZ is 16, with its zero) ..."""
    folder: str | None = None
    """... or a folder in which another program rotates captures ..."""
    pipe: str | None = None
    """... or a FIFO that another program writes a capture to; "-" is standard input."""
    ring_mib: Annotated[int, Meta(ge=1, le=16384)] = 128
    """Ring of each interface: what is kept while the machine is busy; a second of a full gigabit link is 128 MiB."""
    promiscuous: bool = True
    hardware_timestamps: bool = False
    """Use the interface's own clock, where it was turned on before (deploy/)."""
    overlapping_vlans: bool = False
    """Networks overlap: the outermost VLAN is part of a flow."""
    duplicate_window_ms: Annotated[float, Meta(ge=0, le=1000)] = 5.0
    """Copies of a packet within this time are a mirror's; 0 looks for none."""


class GeoConfig(Struct, frozen=True, forbid_unknown_fields=True):
    databases: tuple[str, ...] = ()
    """Your own mmdb files, asked in this order and before the embedded ones."""
    cache: str | None = None
    """Where the embedded databases are unpacked."""


class CanaryConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """A planted attempt that must be seen, or the sensor is not healthy."""

    address: str
    """Where nobody is, by a way that the mirror shows: of 192.0.2.0/24, say (RFC 5737)."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 9
    """UDP; 9 is the discard protocol (RFC 863)."""
    every_s: Annotated[float, Meta(ge=1, le=86400)] = 60.0
    send: bool = True
    """Send it from this machine. False: another host on the camera network does."""


class LimitsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    flows: Annotated[int, Meta(ge=256, le=4_194_304)] = 65536
    contacts: Annotated[int, Meta(ge=64, le=1_048_576)] = MAX_CONTACTS
    devices: Annotated[int, Meta(ge=16, le=65536)] = MAX_KNOWN
    quiet_hours: Annotated[float, Meta(gt=0, le=8760)] = 24.0
    """An incident without a packet for this long is over."""
    silent_minutes: Annotated[float, Meta(ge=0, le=44640)] = 10.0
    """A device that was always there and is not seen for this long is told as silent; 0: never."""
    journal_days: Annotated[int, Meta(ge=1, le=36_500)] = 400
    """Messages older than this are deleted: a year, and a month in which to make its report. 36,500 is a century."""


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. Each section's model lives beside its unit."""

    sensor: SensorConfig = field(default_factory=SensorConfig)
    site: SiteConfig = field(default_factory=SiteConfig)
    group: tuple[GroupConfig, ...] = ()
    device: Annotated[tuple[DeviceConfig, ...], Meta(max_length=MAX_DEVICES)] = ()
    capture: CaptureConfig = field(default_factory=CaptureConfig)
    canary: CanaryConfig | None = None
    mqtt: MqttConfig | None = None
    syslog: Annotated[tuple[SyslogConfig, ...], Meta(max_length=4)] = ()
    webhook: Annotated[tuple[WebhookConfig, ...], Meta(max_length=3)] = ()
    """With these and MQTT there are as many sinks as the metrics have labels for (sinks.metrics.SINKS)."""
    prometheus: PrometheusConfig | None = None
    geo: GeoConfig = field(default_factory=GeoConfig)
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)


def load(path: Path) -> Config:
    """Read and check a file. ConfigError if it cannot be used."""
    try:
        text = _octets(path).decode("utf-8-sig")  # Windows' editors begin a file with a byte-order mark
    except (OSError, ValueError) as error:  # UnicodeDecodeError is one, and so is a zero octet in the name
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        msg = f"{path}: {reason}"
        raise ConfigError(msg) from None
    return parse(text, str(path))


def _octets(path: Path) -> bytes:
    """The whole of a regular file that is no larger than a configuration. OSError if it is none."""
    with open(path, "rb", opener=unwaiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        octets = file.read(MOST_BYTES + 1)
    if len(octets) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"more than {MOST_BYTES:,} bytes: no configuration")
    return octets


def parse(text: str, where: str) -> Config:
    """Check configuration text; ``where`` names it in errors."""
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of its own error, of a number too long, of tables too deep
        msg = f"{where}: not TOML: {_first_line(error)}"
        raise ConfigError(msg) from None
    return convert(raw, where)


def convert(raw: dict[str, Any], where: str) -> Config:
    """Check a table that was read elsewhere."""
    try:
        config = msgspec.convert(raw, Config)
        _check(config)
    except msgspec.ValidationError as error:
        msg = f"{where}: {_explain(str(error))}"
        raise ConfigError(msg) from None
    except ValueError as error:
        msg = f"{where}: {error}"
        raise ConfigError(msg) from None
    return config


def inventory(config: Config) -> list[InventoryEntry]:
    """The configured devices. ValueError names the device whose address or MAC cannot be read."""
    entries = []
    for device in config.device:
        addresses = (device.ip,) if isinstance(device.ip, str) else device.ip
        try:
            entries.append(
                InventoryEntry(
                    device.name,
                    device.device_class,
                    tuple(pack(address) for address in addresses),
                    mac_from_text(device.mac) if device.mac is not None else None,
                    device.group,
                    device.label,
                )
            )
        except ValueError as wrong:
            msg = f"device {device.name}: {wrong}"
            raise ValueError(msg) from None
    return entries


def polled(config: Config) -> list[Target]:
    """The devices that are asked. ValueError names the one whose ``poll`` cannot be used."""
    targets = []
    for device in config.device:
        if device.poll is None:
            continue
        try:
            targets.append(target(device.name, (device.ip,) if isinstance(device.ip, str) else device.ip, device.poll))
        except ValueError as wrong:
            msg = f"device {device.name}: {wrong}"
            raise ValueError(msg) from None
    return targets


def networks(entries: tuple[str, ...], where: str) -> list[IPNetwork]:
    """Networks from text. ValueError names ``where`` and the one that is none."""
    read = []
    for entry in entries:
        try:
            read.append(ipaddress.ip_network(entry))
        except ValueError as wrong:
            msg = f"{where}: {wrong}"
            raise ValueError(msg) from None
    return read


def _check(config: Config) -> None:
    """What types cannot say. ValueError with the key in it."""
    site = config.site
    for key in ("networks", "camera_networks", "core_networks"):
        networks(getattr(site, key), f"site.{key}")
    check_countries(site.home, "site.home")
    sources = [key for key in ("interfaces", "folder", "pipe") if getattr(config.capture, key)]
    if len(sources) > 1:
        msg = f"capture: {sources[0]} and {sources[1]} exclude each other"
        raise ValueError(msg)
    if len(set(config.capture.interfaces)) < len(config.capture.interfaces):
        raise ValueError("capture.interfaces: one is named twice")
    if config.canary is not None:
        try:
            pack(config.canary.address)
        except ValueError as wrong:
            msg = f"canary.address: {wrong}"
            raise ValueError(msg) from None
    _one_owner(inventory(config))
    Policy(config.site, config.group)
    Maintenance(config.site, config.group)
    groups = [group.name for group in config.group]
    _unique(groups, "group")
    _unique([device.name for device in config.device], "device")
    for device in config.device:
        if device.group is not None and device.group not in groups:
            msg = f"device {device.name}: group {device.group!r} is not defined{_nearest(device.group, groups)}"
            raise ValueError(msg)
        if not device.ip and device.mac is None:
            msg = f"device {device.name}: needs ip or mac"
            raise ValueError(msg)
    polled(config)
    evidence_config.check(config.evidence)
    _check_sinks(config)


def _check_sinks(config: Config) -> None:
    for syslog in config.syslog:
        syslog_config.check(syslog)
    for webhook in config.webhook:
        webhook_config.check(webhook)
    _unique([each.name for each in config.syslog], "syslog")
    _unique([each.name for each in config.webhook], "webhook")


def _one_owner(entries: list[InventoryEntry]) -> None:
    """An address or MAC belongs to one device."""
    owners: dict[bytes, str] = {}
    for entry in entries:
        for identity in (*entry.addresses, *((entry.mac,) if entry.mac is not None else ())):
            if identity in owners:
                shown = address_text(Address(identity)) if len(identity) == ADDRESS_BYTES else mac_text(Mac(identity))
                msg = f"device {entry.name}: {shown} is already that of device {owners[identity]}"
                raise ValueError(msg)
            owners[identity] = entry.name


def check_countries(codes: Iterable[str], where: str) -> None:
    """ValueError, with ``where`` in it, for the first that is no country code (ISO 3166-1 alpha-2)."""
    for code in codes:
        if code.upper() not in COUNTRIES:
            hint = " (did you mean GB?)" if code.upper() == "UK" else ""
            msg = f"{where}: {code!r} is no ISO 3166-1 alpha-2 country code{hint}"
            raise ValueError(msg)


def _unique(names: list[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            msg = f"{what} {name!r} is there twice"
            raise ValueError(msg)
        seen.add(name)


def _explain(error: str) -> str:
    """Msgspec's message with the path spelled as in the file, and the nearest known key."""
    if match := _UNKNOWN.fullmatch(error):
        path = (match["path"] or "").lstrip(".")
        known = _keys(path)
        key = f"{path}.{match['key']}" if path else match["key"]
        return f"{key}: unknown key{_nearest(match['key'], known)}"
    if match := _WRONG.fullmatch(error):
        what, path = match["what"], match["path"].lstrip(".")
        if pattern := _PATTERN.fullmatch(what):
            what = f"expected {PATTERNS.get(pattern['pattern'], pattern['pattern'])}"
        elif choice := _CHOICE.fullmatch(what):
            known = _choices(path)
            near = _nearest(choice["value"].strip("'"), known)
            what = f"{choice['value']} is none of {', '.join(known)}{near}"
        return f"{path}: {what[:1].lower()}{what[1:]}"
    return error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f" (did you mean {near[0]}?)" if near else ""


def _keys(path: str) -> list[str]:
    """Keys that the table at ``path`` may have."""
    return [name.encode_name for name in msgspec.structs.fields(_model(path))]


def _model(path: str) -> Any:  # noqa: ANN401  type hints have no common type
    """The Struct of the table at ``path``."""
    model: Any = Config
    for part in re.findall(r"[A-Za-z_]+", path):
        hints = get_type_hints(model)
        model = _struct(hints.get(part, Config))
    return model


def _choices(path: str) -> list[str]:
    """What may stand for the key at ``path``, where it is one of a few words."""
    table, _, key = re.sub(r"\[[^]]*\]$", "", path).rpartition(".")
    hints = get_type_hints(model := _model(table))
    hint = next((hints[each.name] for each in msgspec.structs.fields(model) if each.encode_name == key), None)
    return list(dict.fromkeys(_words(hint)))


def _words(hint: Any) -> Iterator[str]:  # noqa: ANN401  type hints have no common type
    """The words in a type hint: of an enumeration or a Literal, alone or inside others."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        yield from (str(each.value) for each in hint)
    for inner in get_args(hint):
        if isinstance(inner, str):
            yield inner
        else:
            yield from _words(inner)


def _struct(hint: Any) -> Any:  # noqa: ANN401  type hints have no common type
    """The Struct inside a type hint such as ``tuple[GroupConfig, ...]``."""
    if isinstance(hint, type) and issubclass(hint, Struct):
        return hint
    for inner in get_args(hint) if get_origin(hint) is not None else ():
        found = _struct(inner)
        if found is not Config:
            return found
    return Config


__all__ = ["Config", "ConfigError", "check_countries", "convert", "inventory", "load", "networks", "parse", "polled"]
