"""What changes from one answer to the next and says nothing of what a device can do: it makes no statement.

A name leaves out its whole element or object. Compared without regard to case.
"""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, tuple[str, ...]]] = {
    "the time of the answer": (
        "localTime", "currentTime", "currentDeviceTime", "dateTime", "UTCDateTime", "LocalDateTime", "UtcTime",
        "deviceTime", "systemTime", "TerminationTime", "CreateTime",
    ),
    "time since the start, which grows": ("deviceUpTime", "upTime", "DeviceRunTime", "runTime"),
    "one exchange alone has it": (
        "sessionID", "session", "sequenceID", "MessageID", "RelatesTo", "Nonce", "CSeq", "CreatedID", "requestID",
        "RequestedClientIPAddress", "requestURL", "ResponseURL", "leaseTime",
    ),
    "a counter": (
        "activePostCount", "currentPostCount", "txPackets", "rxPackets", "txBytes", "rxBytes", "recordNum",
        "accessTimes", "loginCount",
    ),
    "a gauge": (
        "CPUList", "MemoryList", "cpuUtilization", "memoryUsage", "memoryAvailable", "cpuUsed", "netThroughput",
        "codecRate", "signalStrength", "wifiSignal", "freeSpace", "RemainSpace", "deviceTemperature",
    ),
    "a time the device chose, near to now": ("IgnoreCurTime",),
}  # fmt: skip
"""Reason -> names."""
NAMES: Final = frozenset(name.lower() for names in REASONS.values() for name in names)


def is_volatile(name: str) -> bool:
    """Whether an element, attribute or key of this name (no namespace prefix, no at sign) is left out."""
    return name.lower() in NAMES
