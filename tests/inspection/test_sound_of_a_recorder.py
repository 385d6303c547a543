"""Sound that a recorder passes on is not of its own microphone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor.inspection.deeds import AUDIO_IN, AUDIO_OUT, deed_of
from monitor.model.contacts import Device, DeviceClass
from monitor.model.facts import MediaStream

if TYPE_CHECKING:
    from monitor.app import Knowledge


def of(kind: DeviceClass) -> Device:
    return Device(kind.value, kind.value, 1, kind)


def deed(known: Knowledge, sender: DeviceClass, receiver: DeviceClass) -> Any:
    stream = MediaStream("udp", 1, 0, "audio", "PCMU")
    return deed_of(stream, of(sender), of(receiver), known.catalogue.vocabulary)


def test_what_a_recorder_plays(known: Knowledge) -> None:
    """To a viewer it shows nothing of the recorder; to a camera it is that camera's loudspeaker."""
    assert deed(known, DeviceClass.RECORDER, DeviceClass.VIEWER) is None
    assert deed(known, DeviceClass.RECORDER, DeviceClass.UNKNOWN) is None
    spoken = deed(known, DeviceClass.RECORDER, DeviceClass.CAMERA)
    assert (spoken.capability, spoken.by_sender) == (AUDIO_OUT, False)


def test_what_a_camera_hears(known: Knowledge) -> None:
    """To a recorder as to a viewer it is the camera's microphone."""
    for receiver in (DeviceClass.RECORDER, DeviceClass.VIEWER, DeviceClass.UNKNOWN):
        heard = deed(known, DeviceClass.CAMERA, receiver)
        assert (heard.capability, heard.by_sender) == (AUDIO_IN, True)
