"""Which function a fact shows at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.inspection import deeds
from monitor.model.facts import SdpTrack

if TYPE_CHECKING:
    from monitor.app import Knowledge


def test_every_deed_is_a_function_that_the_vocabulary_knows(known: Knowledge) -> None:
    """One that it does not know would never be an alarm."""
    keys = {*deeds.SERVERS.values(), *deeds.PORTS.values(), deeds.AUDIO_IN, deeds.AUDIO_OUT, deeds.VIDEO}
    keys |= {deeds.METADATA, deeds.P2P, deeds.VENDOR_CLOUD, "upnp.portmap", "file.tftp", "export.ftp"}
    assert {key for key in keys if known.catalogue.vocabulary.capability(key) is None} == set()


@pytest.mark.parametrize(
    ("media", "codec", "direction", "as_sender", "capability"),
    [
        ("video", "H264", None, False, "video.stream"),
        ("audio", "PCMA", None, False, "audio.input"),
        ("audio", "PCMA", "recvonly", False, "audio.input"),
        ("audio", "PCMA", "sendonly", False, "audio.output"),
        ("audio", "PCMA", "sendonly", True, "audio.input"),
        ("audio", "PCMA", "recvonly", True, "audio.output"),
        ("application", "vnd.onvif.metadata", None, False, "metadata.stream"),
        ("text", None, None, False, None),
    ],
)
def test_tracks(media: str, codec: str | None, direction: str | None, as_sender: bool, capability: str | None) -> None:
    """ONVIF writes directions as the client sees them; who says of video that it is sent writes them as the device."""
    track = SdpTrack(media=media, codec=codec, direction=direction, control=None)
    assert deeds.track_capability(track, as_sender=as_sender) == capability
