"""Checking: what of a configuration that can be read would not work on this machine, or is no good idea.

What the daemon would refuse at its start or at its first connection is an error, and so is what can never mean
anything; what works and is seldom meant is a warning. Nothing is written, asked over the network or waited for.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collectors.credentials import CREDENTIALS, located, read_secret
from collectors.pipe import STANDARD_INPUT
from collectors.poll.settings import warnings as poll_warnings
from monitor.config import Config, check_countries, networks, polled
from monitor.enrich.operators import RegisteredDomains
from monitor.model.address import within
from monitor.policy.rules import parse
from monitor.sinks import webhook_config
from monitor.sinks.mqtt_config import MqttConfig, credentials
from monitor.sinks.trust import Tls, context, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.config import DeviceConfig

WIDEST: Final = {4: 8, 6: 12}
"""Prefix length of the largest block that IANA gives to a registry (IPv4 Address Space, IPv6 Global Unicast Address
Assignments): no site has more."""
UNIQUE_LOCAL: Final = ipaddress.ip_network("fc00::/7")
"""RFC 4193."""
HIGHEST_AS: Final = 2**32 - 1
"""RFC 6793."""
KERNEL: Final = (Path("/proc"), Path("/sys"))
"""File systems in which nobody makes a directory."""
_HOST: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_AS: Final = re.compile(r"AS(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Found:
    """What there is to say, a line each, with the key in it."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What could not be looked at here."""


def look(config: Config) -> Found:
    """Look at everything that the configuration names."""
    found = Found()
    if config == Config():
        found.errors.append("nothing is configured")
        return found
    _capture(config, found)
    for key, place in (("sensor.state", config.sensor.state), ("geo.cache", config.geo.cache)):
        if place is not None:
            _directory(key, place, found)
    _site(config, found)
    for device in config.device:
        _device(config, device, found)
    _rules(config, found)
    if config.mqtt is not None:
        _mqtt(config.mqtt, found)
    for syslog in config.syslog:
        _tls(f"{syslog.sink}: tls", syslog.tls, found)
    for webhook in config.webhook:
        _tls(f"{webhook.sink}: tls", webhook.tls, found)
        for key in ("token_file", "hmac_file"):
            _secret(f"{webhook.sink}: {key}", getattr(webhook, key), found)
        found.warnings += webhook_config.warnings(webhook)
    if config.prometheus is not None:
        _listening("prometheus.host", config.prometheus.host, found)
    found.warnings += [line for target in polled(config) for line in poll_warnings(target)]
    return found


def _capture(config: Config, found: Found) -> None:
    capture = config.capture
    if not capture.interfaces and capture.folder is None and capture.pipe is None:
        found.errors.append("capture: run needs interfaces, folder or pipe")
    there = {name for _, name in socket.if_nameindex()} if capture.interfaces else set()
    found.warnings += [
        f"capture.interfaces: {name!r} is no interface of this machine at present: run does not start without it"
        for name in capture.interfaces
        if name not in there
    ]
    if capture.folder is not None:
        _there("capture.folder", capture.folder, found, folder=True)
    if capture.pipe is not None and capture.pipe != STANDARD_INPUT:
        _there("capture.pipe", capture.pipe, found, folder=False)


def _there(key: str, path: str, found: Found, *, folder: bool) -> None:
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        found.errors.append(f"{key}: {path}: {error.strerror}")
        return
    if stat.S_ISDIR(mode) != folder:
        found.errors.append(f"{key}: {path}: {'not a directory' if folder else 'a directory'}")


def _directory(key: str, place: str, found: Found) -> None:
    """A directory that is made where it is not there, with those above it."""
    nearest = Path(place).absolute()
    while not os.path.lexists(nearest):
        nearest = nearest.parent
    if not nearest.is_dir():
        found.errors.append(f"{key}: {place}: {'' if str(nearest) == place else f'{nearest} is '}not a directory")
        return
    device = nearest.stat().st_dev
    kernel = next((each for each in KERNEL if each.exists() and each.stat().st_dev == device), None)
    if kernel is not None:
        found.errors.append(f"{key}: {place}: nothing can be kept in {kernel}")
    elif not os.access(nearest, os.W_OK | os.X_OK):
        _denied(key, place, f"{nearest} is not writable", found)


def _denied(key: str, path: str, what: str, found: Found) -> None:
    """Root is denied what nobody may; another user may be another than the sensor's."""
    if os.geteuid() == 0:
        found.errors.append(f"{key}: {path}: {what}")
    else:
        found.warnings.append(f"{key}: {path}: {what} for the user who checks: the sensor's must be another")


def _site(config: Config, found: Found) -> None:
    site = config.site
    for key in ("networks", "camera_networks", "core_networks"):
        for network in networks(getattr(site, key), f"site.{key}"):
            if network.prefixlen < WIDEST[network.version] and not within(network, UNIQUE_LOCAL):
                found.warnings.append(
                    f"site.{key}: {network} is more than any site has: what is called in it is taken for the site's own"
                )
    core = networks(site.core_networks, "site.core_networks")
    for network in networks(site.camera_networks, "site.camera_networks"):
        for each in core:
            if within(network, each):
                found.warnings.append(
                    f"site.core_networks: {each} holds {network} of site.camera_networks: "
                    "cameras would have no business where they are"
                )


def _device(config: Config, device: DeviceConfig, found: Found) -> None:
    who = f"device {device.name}"
    ours = networks(config.site.camera_networks, "site.camera_networks")
    special = device.poll.allow_special if device.poll is not None else None
    for text in (device.ip,) if isinstance(device.ip, str) else device.ip:
        address = ipaddress.ip_address(text)
        kinds = (
            (address.is_multicast, "a multicast address"),
            (address.is_unspecified, "the unspecified address"),
            (address == ipaddress.IPv4Address("255.255.255.255"), "the broadcast address"),
            (address.version == 4 and address.is_reserved, "a reserved address"),
            (address.is_loopback and text != special, "this machine itself (loopback)"),
            *(
                (address == each.broadcast_address, f"the broadcast address of {each}")
                for each in ours
                if isinstance(each, ipaddress.IPv4Network) and each.prefixlen < ipaddress.IPV4LENGTH - 1
            ),
        )
        what = next((what for applies, what in kinds if applies), None)
        if what is not None:
            found.errors.append(f"{who}: ip: {text} is {what}: no device has it")
    if device.poll is None:
        return
    if device.poll.user is None:
        found.warnings.append(
            f"{who}: poll has neither user nor password_file: only what it tells everybody will be known"
        )
    _secret(f"{who}: poll.password_file", device.poll.password_file, found)
    if device.poll.tls is not None and device.poll.tls.ca is not None:
        _tls(f"{who}: poll.tls", Tls(ca=device.poll.tls.ca), found)


def _rules(config: Config, found: Found) -> None:
    domains = RegisteredDomains()
    for where, text in _texts(config):
        rule = parse(text)
        target = text.split()[0]
        number = _AS.fullmatch(target)
        if number is not None and not 0 < int(number[1][:11]) <= HIGHEST_AS:
            found.errors.append(f"{where}: {target} is no AS number: they go from 1 to {HIGHEST_AS} (RFC 6793)")
        for code in (rule.country, rule.seat, rule.law):
            if code is not None:
                try:
                    check_countries([code], f"{where}: {target}")
                except ValueError as wrong:
                    found.errors.append(str(wrong))
        if rule.name is not None and rule.name.startswith("*") and domains.is_public(rule.name.lstrip("*.")):
            found.warnings.append(f"{where}: {target} covers a whole public suffix: anybody can register a name in it")
    for group in config.group:
        if group.isolated and group.allow:
            found.warnings.append(
                f"group {group.name}: isolated, and yet allow lets these devices reach {', '.join(group.allow)}"
            )


def _texts(config: Config) -> Iterator[tuple[str, str]]:
    """Every rule, and where it stands."""
    for key in ("resolvers", "time_servers"):
        for text in getattr(config.site, key):
            yield f"site.{key}", text
    for group in config.group:
        for text in group.allow:
            yield f"group {group.name}: allow", text


def _mqtt(config: MqttConfig, found: Found) -> None:
    _tls("mqtt.tls", config.tls, found)
    if config.password_file is None:
        return
    key = "mqtt.password_file"
    if config.username is None:
        found.warnings.append(f"{key}: without mqtt.username no password is sent")
    if config.tls is None:
        found.warnings.append(f"{key}: without mqtt.tls the password travels in the clear")
    if not _readable(key, config.password_file, found):
        return
    path = located(config.password_file)
    if path.stat().st_mode & stat.S_IROTH:
        found.warnings.append(f"{key}: {path}: everybody may read it: chmod o-r")
    try:
        password, _ = credentials(MqttConfig(host=config.host, password_file=config.password_file))
    except OSError as error:
        found.errors.append(f"{key}: {path}: {error.strerror}")
    else:
        if not password:
            found.warnings.append(f"{key}: {path}: empty")


def _secret(key: str, path: str | None, found: Found) -> None:
    """A file that ``read_secret`` reads."""
    if path is None or not _readable(key, path, found):
        return
    try:
        read_secret(path)
    except OSError as error:
        found.errors.append(f"{key}: {located(path)}: {error.strerror}")


def _tls(key: str, tls: Tls | None, found: Found) -> None:
    """The files of a ``tls`` table; a certificate with its key."""
    if tls is None:
        return
    there = {
        name: _readable(f"{key}.{name}", path, found) for name in ("ca", "cert", "key") if (path := getattr(tls, name))
    }
    for name, some in (("ca", Tls(ca=tls.ca)), ("cert", Tls(cert=tls.cert, key=tls.key))):
        if not all(there.get(each, True) for each in ("ca", "cert", "key") if getattr(some, each)) or name not in there:
            continue
        try:
            context(some)
        except (OSError, ValueError) as error:  # ssl.SSLError is the one
            found.errors.append(
                f"{key}.{name}: {located(getattr(some, name))}: {words(getattr(error, 'strerror', None) or str(error))}"
            )


def _readable(key: str, path: str, found: Found) -> bool:
    """Whether this is a file that can be read here; what is to be said of it otherwise is said."""
    if path.startswith(CREDENTIALS) and "CREDENTIALS_DIRECTORY" not in os.environ:
        found.notes.append(f"{key}: {path} is there in the unit only (LoadCredential): not looked at")
        return False
    place = located(path)
    try:
        if not stat.S_ISREG(place.stat().st_mode):
            found.errors.append(f"{key}: {place}: not a file")
            return False
        place.open("rb").close()
    except PermissionError:
        _denied(key, str(place), "not readable", found)
    except (OSError, ValueError) as error:  # ValueError for a zero octet
        found.errors.append(f"{key}: {place}: {getattr(error, 'strerror', None) or error}")
    else:
        return True
    return False


def _listening(key: str, host: str, found: Found) -> None:
    """An address of this machine, or a name; a name is not looked up."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host and not _HOST.fullmatch(host):
            found.errors.append(f"{key}: {host!r} is neither an address nor a name")
        elif re.fullmatch(r"[\d.]+", host):
            found.errors.append(f"{key}: {host!r} is no address")
        return
    family = socket.AF_INET if isinstance(address, ipaddress.IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.bind((host, 0))  # any free port: the configured one is the daemon's, if it runs
    except OSError as error:
        found.errors.append(f"{key}: {host}: {error.strerror}")


__all__ = ["Found", "look"]
