"""Device silent: a device that was always there is not seen any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from monitor.model.incidents import Kind, Notice, Severity

if TYPE_CHECKING:
    from monitor.model.contacts import Device

KNOWN_S: Final = 600
"""Seconds between its first and last packet before its habits are known."""
PRESENCE: Final = 10
"""A device is missed if it was seen in at least one in so many of those seconds: one that streams is seen in all of
them, one that only asks for the time now and then in hardly any."""
LEAST_S: Final = KNOWN_S // PRESENCE
"""Who was seen in fewer seconds is missed by nobody."""
SECOND_NS: Final = 1_000_000_000


MANY: Final = 3
"""Devices that fall silent after an update: one may be broken, and two a coincidence."""


def after_update(silent: Notice, devices: int) -> Notice:
    """The same of a device whose firmware had just been changed; ``devices`` of which this holds."""
    many = f", as {devices - 1} others are after theirs: a bad or hostile update" if devices >= MANY else ""
    return structs.replace(
        silent,
        severity=Severity.CRITICAL if devices >= MANY else Severity.HIGH,
        message=f"{silent.message}; its firmware had just been changed{many}",
        properties=("after_update",),
    )


def detect(device: Device, awake_ns: int, now_ns: int, silent_ns: int) -> Notice | None:
    """Whether a device that was always there has been silent for ``silent_ns``, all of it after ``awake_ns``."""
    known_ns = device.seen_ns - device.first_ns
    if known_ns < KNOWN_S * SECOND_NS or device.seen_s * PRESENCE * SECOND_NS < known_ns:
        return None
    heard_ns = max(device.seen_ns, device.last_ns)
    quiet_ns = now_ns - heard_ns
    if now_ns - max(heard_ns, awake_ns) < silent_ns:
        return None
    return Notice(
        kind=Kind.DEVICE_SILENT,
        severity=Severity.MEDIUM,
        about="",
        message=(
            f"Device {device.name} is not seen any more: nothing from or to it for "
            f"{quiet_ns // (60 * SECOND_NS)} minutes, "
            f"after it was there in {device.seen_s * 100 * SECOND_NS // known_ns} % of the seconds before"
        ),
        rule=f"silent for {silent_ns // (60 * SECOND_NS)} minutes",
    )
