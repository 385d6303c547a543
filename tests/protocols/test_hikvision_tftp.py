"""The handshake of Hikvision's boot loader."""

from __future__ import annotations

import pytest

from monitor.model.facts import Malformed, ServiceBanner, Want
from monitor.protocols.hikvision_tftp import HANDSHAKE, Parser, sniff


def test_synthetic_handshake() -> None:
    """The device asks port 9978; an echo from there means that somebody will send firmware. Once is enough."""
    device, server = Parser(9979, 9978), Parser(9978, 9979)
    assert device.feed(HANDSHAKE) == [ServiceBanner("hikvision-tftp", "client", "SWKH")]
    assert server.feed(HANDSHAKE) == [ServiceBanner("hikvision-tftp", "server", "SWKH")]
    assert device.want is Want.STOP
    assert device.feed(HANDSHAKE) == []


def test_sniff() -> None:
    """Exactly twenty octets, on one of the ports."""
    assert sniff(HANDSHAKE, 9978, 50000)
    assert not sniff(HANDSHAKE, 50000, 50001)
    assert not sniff(HANDSHAKE[:-1], 9979, 9978)
    with pytest.raises(Malformed):
        Parser(9979, 9978).feed(b"SWKH")
