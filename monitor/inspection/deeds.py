"""Deeds: which function a fact shows at work, and whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.model.contacts import DeviceClass
from monitor.model.facts import AnalyticsEvent, FileRequest, MediaStream, PortMapping, ServiceBanner
from monitor.protocols.metadata import carries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.model.capabilities import Vocabulary
    from monitor.model.contacts import Device
    from monitor.model.facts import Fact, SdpTrack

AUDIO_IN: Final = "audio.input"
AUDIO_OUT: Final = "audio.output"
VIDEO: Final = "video.stream"
METADATA: Final = "metadata.stream"
P2P: Final = "cloud.p2p"
VENDOR_CLOUD: Final = "cloud.vendor"
SEARCH: Final = "network.scan"
PORT_MAPPING: Final = "upnp.portmap"
SERVERS: Final[Mapping[str, str]] = {
    "ssh": "shell.ssh",
    "telnet": "shell.telnet",
    "ftp": "file.ftp",
    "vnc": "desktop.remote",
    "rdp": "desktop.remote",
}
"""By the protocol in which a device answers as a server."""
PORTS: Final[Mapping[int, str]] = {
    21: "file.ftp",
    22: "shell.ssh",
    23: "shell.telnet",
    2323: "shell.telnet",
    9527: "debug.port",
    9530: "debug.port",
}
"""TCP ports of a device that are a function by themselves: IANA's, 2323 as Telnet's usual second, and Xiongmai's debug
console and Telnet opener (vendors.md 1.2)."""
EXPORTS: Final[Mapping[tuple[int, int], str]] = {
    (6, 21): "export.ftp",
    (6, 25): "export.email",
    (6, 465): "export.email",
    (6, 587): "export.email",
    (6, 1883): "export.mqtt",
    (6, 1935): "export.rtmp",
    (6, 8883): "export.mqtt",
}
"""Services of remote ends, by IP protocol and port (IANA), that devices use for nothing but to hand something out."""
UNASKED: Final = frozenset({SEARCH, PORT_MAPPING})
"""What devices do of their own accord and no detector of contacts tells."""
_LISTENERS: Final = frozenset({DeviceClass.RECORDER, DeviceClass.VIEWER, DeviceClass.OTHER, DeviceClass.UNKNOWN})


class Deed(NamedTuple):
    """One function at work."""

    capability: str
    source: str
    """What showed it, for people."""
    by_sender: bool
    """The device that sent the packet does it; otherwise the one that got it."""


def deed_of(fact: Fact, sender: Device | None, receiver: Device | None, vocabulary: Vocabulary) -> Deed | None:
    """The function that this fact shows at work, if any."""
    if isinstance(fact, MediaStream):
        return _media(fact, sender, receiver)
    if isinstance(fact, AnalyticsEvent):
        capability = vocabulary.capability_of_topic(fact.api, fact.topic)
        return Deed(capability, f"{fact.api} event {fact.topic}", by_sender=True) if capability else None
    if isinstance(fact, ServiceBanner):
        return _service(fact)
    return _request(fact)


def _service(fact: ServiceBanner) -> Deed | None:
    capability = SERVERS.get(fact.protocol) if fact.role == "server" else None
    text = f": {fact.text}" if fact.text else ""
    return Deed(capability, f"{fact.protocol} answers{text}", by_sender=True) if capability else None


def _request(fact: Fact) -> Deed | None:
    if isinstance(fact, PortMapping) and fact.role == "request" and fact.lifetime != 0 and fact.internal_port:
        return Deed(PORT_MAPPING, f"{fact.protocol} asks to open port {fact.internal_port}", by_sender=True)
    if isinstance(fact, FileRequest) and fact.protocol == "tftp":
        return Deed("file.tftp", f"TFTP {fact.operation} of {fact.name}", by_sender=True)
    if isinstance(fact, FileRequest) and fact.protocol == "ftp" and fact.operation == "write":
        return Deed("export.ftp", f"FTP upload of {fact.name}", by_sender=True)
    return None


def _media(fact: MediaStream, sender: Device | None, receiver: Device | None) -> Deed | None:
    """Sound that a viewer or recorder sends to a camera comes out there; from a camera it was taken in there."""
    codec = f" {fact.codec}" if fact.codec else ""
    if carries(fact.codec):
        return Deed(METADATA, f"RTP{codec}", by_sender=True)
    if fact.media == "video":
        return Deed(VIDEO, f"RTP video{codec}", by_sender=True)
    if fact.media != "audio":
        return None
    talk = (
        receiver is not None
        and receiver.watched
        and receiver.device_class not in _LISTENERS
        and (sender is None or sender.device_class in _LISTENERS)
    )
    if not talk and relays(sender):
        return None
    return Deed(AUDIO_OUT if talk else AUDIO_IN, f"RTP audio{codec}", by_sender=not talk)


def relays(device: Device | None) -> bool:
    """Whether the sound that it sends was taken in by others: a recorder's own microphone cannot be told from them."""
    return device is not None and device.device_class in (DeviceClass.RECORDER, DeviceClass.VIEWER)


def track_capability(fact: SdpTrack, *, as_sender: bool = False) -> str | None:
    """The function that a track of a description offers; a back channel is sent by the client (ONVIF Streaming).

    ``as_sender``: the description is written as the device sees it, so that "sendonly" is what the device sends.
    """
    if carries(fact.codec):
        return METADATA
    if fact.media == "audio":
        return AUDIO_OUT if fact.direction == ("recvonly" if as_sender else "sendonly") else AUDIO_IN
    return {"video": VIDEO, "application": METADATA}.get(fact.media)
