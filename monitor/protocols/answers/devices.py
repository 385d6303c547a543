"""Answers that say what a device is: which of them do, and where maker, model, firmware and serial stand in them.

Fields are of vendors' documents and of answers that their users published (catalogue, HIKNEXT RROLLER ONVIF AXIS
REOAIO BESDER SUNAPI-DOC LAPI-NVR).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.model.facts import DeviceAnnounced
from monitor.protocols.answers.statements import by_last_name
from monitor.protocols.device_text import mac_of
from monitor.protocols.firmware_text import spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.protocols.answers.statements import Statement


class _Fields(NamedTuple):
    """Last names of paths, the best first."""

    beneath: str
    """Only statements whose path begins so, or that answer a question that does."""
    vendor: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    firmware: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    serial: tuple[str, ...] = ()
    mac: tuple[str, ...] = ()
    name: tuple[str, ...] = ()


_FIELDS: Final[dict[str, tuple[_Fields, ...]]] = {
    "isapi": (
        _Fields(
            "DeviceInfo/", ("manufacturer",), ("model",), ("firmwareVersion",), ("firmwareReleasedDate",),
            ("serialNumber",), ("macAddress",), ("deviceName",),
        ),
    ),
    "onvif": (
        _Fields(
            "GetDeviceInformationResponse/", ("Manufacturer",), ("Model",), ("FirmwareVersion",), (), ("SerialNumber",)
        ),
        _Fields("GetHostnameResponse/", name=("Name",)),
    ),
    "dahua": (
        _Fields("magicBox.cgi getSoftwareVersion", firmware=("version",)),
        _Fields("magicBox.cgi getDeviceType", model=("type",)),
        _Fields("magicBox.cgi getSerialNo", serial=("sn",)),
        _Fields("magicBox.cgi getVendor", vendor=("vendor",)),
        _Fields("magicBox.cgi getMachineName", name=("name",)),
        _Fields("magicBox.cgi getSystemInfo", model=("deviceType",), serial=("serialNumber",)),
        _Fields("RPC2 magicBox.getSoftwareVersion", firmware=("Version",), released=("BuildDate",)),
        _Fields("RPC2 magicBox.getDeviceType", model=("type",)),
        _Fields("RPC2 magicBox.getSerialNo", serial=("sn",)),
    ),
    "vapix": (
        _Fields(
            "data/propertyList/", ("Brand",), ("ProdNbr", "ProdFullName"), ("Version",), (), ("SerialNumber",),
            ("SerialNumber",),
        ),
        _Fields(
            "root.Brand.", ("Brand",), ("ProdNbr", "ProdFullName"),
        ),
        _Fields("root.Properties.Firmware.", firmware=("Version",)),
        _Fields("root.Properties.System.", serial=("SerialNumber",), mac=("SerialNumber",)),
    ),
    "reolink": (
        _Fields(
            "GetDevInfo/DevInfo/", (), ("model",), ("firmVer",), (), ("serial",), (), ("name",),
        ),
    ),
    "sunapi": (
        _Fields(
            "system.cgi deviceinfo", (), ("Model",), ("FirmwareVersion",), (), ("SerialNumber",),
            ("ConnectedMACAddress",), ("DeviceName",),
        ),
    ),
    "lapi": (
        _Fields(
            "System/DeviceInfo", (), ("DeviceModel",), ("FirmwareVersion",), (), ("SerialNumber",), (), ("DeviceName",),
        ),
    ),
    "sofia": (
        _Fields(
            "SystemInfo/", (), ("DeviceModel", "HardWare"), ("SoftWareVersion",), (), ("SerialNo",),
        ),
    ),
}  # fmt: skip


def announced(api: str, question: str, statements: Sequence[Statement]) -> DeviceAnnounced | None:
    """What the device is, where the answer says that. Of an Axis device the serial is the MAC, without colons."""
    said: dict[str, str] = {}
    for fields in _FIELDS.get(api, ()):
        asked = question == fields.beneath
        values = by_last_name([each for each in statements if asked or each[0].startswith(fields.beneath)])
        for what, names in zip(_Fields._fields[1:], fields[1:], strict=True):
            for name in names:
                if name in values:
                    said.setdefault(what, values[name])
    firmware = spelled(said.get("firmware"), said.get("released"))
    if said.get("model", "").isdigit():
        del said["model"]  # older Dahua firmware gives its type as a number here, and its name to getDeviceType
    if not said:
        return None
    return DeviceAnnounced(
        api,
        mac=mac_of(said.get("mac")),
        name=said.get("name"),
        vendor=said.get("vendor"),
        model=said.get("model"),
        firmware=firmware,
        serial=said.get("serial"),
        message=question,
    )
