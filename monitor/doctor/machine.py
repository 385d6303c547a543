"""Machine: what camwarden stands on. Libraries, clock, disk, journal, data, broker, ports, privilege."""

from __future__ import annotations

import os
import pyexpat
import socket
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from monitor.app import knowledge
from monitor.doctor.clock import discipline
from monitor.doctor.finding import Finding, amber, green, red
from monitor.enrich.catalogue import CatalogueError
from monitor.enrich.geo import GeoError
from monitor.sinks.mqtt_config import credentials
from monitor.store.checking import SQLITE, corrupts, damage
from monitor.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.config import Config
    from monitor.sinks.mqtt_config import MqttConfig
    from monitor.sinks.prometheus_config import PrometheusConfig

EXPAT: Final = (2, 7, 2)
"""Before it, small documents can allocate without bound (CVE-2025-59375)."""
OPENSSL: Final = (3, 0)
"""1.1.1 had its last fix on 11 September 2023 (openssl.org, release strategy)."""
RESERVE: Final = 64 * 1024 * 1024
"""Bytes below which the journal may fail to commit: four times its log at a checkpoint (store.schema.WAL_KEPT)."""
ROOMY: Final = 1024 * 1024 * 1024
"""Bytes that hold a storm of half a million messages of 2 KiB."""
OLD_DAYS: Final = 180
"""Networks change hands daily (the registries' transfer logs): two quarters is a judgement, not a measurement."""
DAY_S: Final = 86_400
ANSWER_S: Final = 5.0
"""What a broker may take to answer, seconds: a TCP SYN is sent a third time after three (RFC 6298)."""
RENEWED_DAYS: Final = 14
"""ACME clients renew a third before the end, at 30 of 90 days: at 14 one has failed for two weeks."""


def machine(config: Config) -> Iterator[Finding]:
    """Everything that can be known without a packet."""
    yield sqlite(SQLITE)
    yield expat(pyexpat.version_info)
    yield openssl(ssl.OPENSSL_VERSION_INFO[:2], ssl.OPENSSL_VERSION)
    yield discipline()
    if config.sensor.state is not None:
        state = Path(config.sensor.state)
        yield space(state)
        yield journal(state)
    yield from data(config)
    if config.mqtt is not None:
        yield broker(config.mqtt)
    if config.prometheus is not None:
        yield metrics(config.prometheus)


def sqlite(version: tuple[int, int, int]) -> Finding:
    """Whether this SQLite can corrupt a write-ahead log."""
    name = ".".join(map(str, version))
    if not corrupts(version):
        return green("sqlite", name)
    return amber(
        "sqlite",
        f"{name} can corrupt a journal when two connections reset its log at once (fixed in 3.51.3, 3.50.7, 3.44.6): "
        "camwarden writes with one; open it with nothing but `mode=ro`, or install a newer SQLite",
    )


def expat(version: tuple[int, int, int]) -> Finding:
    """Whether this expat bounds what a document can cost."""
    name = ".".join(map(str, version))
    if version >= EXPAT:
        return green("expat", name)
    return amber(
        "expat",
        f"{name} lets a hostile document cost much (CVE-2023-52425, CVE-2025-59375; fixed in 2.7.2): camwarden gives "
        "it small ones only; install your distribution's updates",
    )


def openssl(version: tuple[int, ...], name: str) -> Finding:
    """Whether this OpenSSL still gets fixes."""
    if version >= OPENSSL:
        return green("openssl", name)
    return amber("openssl", f"{name} gets no fixes any more: the broker's TLS rests on it; move to a newer system")


def space(state: Path) -> Finding:
    """Room for the journal."""
    there = next(each for each in (state, *state.absolute().parents) if each.exists())
    try:
        figures = os.statvfs(there)
    except OSError as error:
        return red("space", f"{state}: {error.strerror}: the journal cannot be kept there")
    if figures.f_flag & os.ST_RDONLY:
        return red("space", f"{there} is read-only: nothing could be journalled; mount it writable")
    free = figures.f_bavail * figures.f_frsize
    shown = f"{free / 1e9:.1f} GB free in {there}"
    if free < RESERVE:
        return red("space", f"{shown}: the journal will stop, and camwarden with it; make room")
    if free < ROOMY:
        return amber("space", f"{shown}: a storm of incidents may fill it; make room")
    return green("space", shown)


def journal(state: Path) -> Finding:
    """Whether the journal opens, and is whole."""
    if not state.is_dir():
        return amber("journal", f"{state} is not there yet: the unit makes it, or `mkdir -m 700 {state}`")
    try:
        wrong, messages = damage(state)
    except FileNotFoundError:
        return green("journal", f"none in {state} yet")
    except StoreError as error:
        return red("journal", f"{error}: keep a copy of it before anything else")
    if wrong:
        return red("journal", f"{state} is damaged: {wrong[0]}; copy it away, and start with an empty directory")
    return green("journal", f"whole, {messages:,} messages")


def data(config: Config) -> Iterator[Finding]:
    """Catalogue and address databases."""
    try:
        with knowledge(config) as known:
            yield green("catalogue", f"{len(known.catalogue.vendors):,} vendors")
            for name, built_s in known.geo.ages():
                days = int(time.time() - built_s) // DAY_S
                if days > OLD_DAYS:
                    yield amber(
                        "addresses", f"{name} is {days} days old: some countries and holders have changed; update"
                    )
                else:
                    yield green("addresses", f"{name} is {days} days old")
            for notice in known.geo.notices:
                yield amber("addresses", notice)
    except CatalogueError as error:
        yield red("catalogue", str(error))
    except (GeoError, OSError) as error:
        yield red("addresses", str(error))


def broker(config: MqttConfig) -> Finding:
    """Whether the broker answers, and proves who it is; nothing is published."""
    where = f"{config.host}:{config.broker_port}"
    try:
        password, context = credentials(config)
        with socket.create_connection((config.host, config.broker_port), ANSWER_S) as plain:
            if context is None:
                return _in_the_clear(where, password=password is not None)
            with context.wrap_socket(plain, server_hostname=config.host) as secured:
                return _certified(where, secured)
    except ssl.SSLCertVerificationError as error:
        return red("broker", f"{where}: certificate not trusted ({error.verify_message}): see tls.ca and the name")
    except OSError as error:
        reason = error.strerror or str(error)
        missing = f" {error.filename}" if error.filename else ""
        return red(
            "broker", f"{where}: {reason}{missing}: incidents would wait in the journal; see [mqtt] and firewall"
        )


def _in_the_clear(where: str, *, password: bool) -> Finding:
    if password:
        return amber("broker", f"{where} answers, without TLS: the password travels in the clear; set mqtt.tls")
    return amber("broker", f"{where} answers, without TLS: incidents can be read and forged on the way; set mqtt.tls")


def _certified(where: str, secured: ssl.SSLSocket) -> Finding:
    ends = (secured.getpeercert() or {}).get("notAfter")
    days = int(ssl.cert_time_to_seconds(str(ends)) - time.time()) // DAY_S if ends else 0
    shown = f"{where} answers with {secured.version()}, its certificate is good for {days} days"
    if days < RENEWED_DAYS:
        return amber("broker", f"{shown}: it should have been renewed by now; see to that")
    return green("broker", shown)


def metrics(config: PrometheusConfig) -> Finding:
    """Whether the metrics' port is there to be had, and who can reach it."""
    where = f"{config.host}:{config.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(1)
    except OSError as error:
        return amber("metrics", f"{where}: {error.strerror}: fine if camwarden is running, else change [prometheus]")
    if not str(address[0]).startswith("127.") and address[0] != "::1":
        return amber("metrics", f"{where} is open to the network: names of cameras can be read; keep it on 127.0.0.1")
    return green("metrics", f"{where} is free")
