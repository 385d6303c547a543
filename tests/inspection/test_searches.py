"""Which devices search the network, by what they try in vain."""

from __future__ import annotations

import pytest

from monitor.inspection.searches import ARP, HOSTS, MAX_SEARCHING, PORTS, WINDOW_NS, Searches
from monitor.model.address import Address, pack
from monitor.model.contacts import Device, DeviceClass

SECOND_NS = 1_000_000_000


def host(number: int) -> Address:
    return pack(f"10.20.{number // 250}.{number % 250 + 1}")


def camera(name: str = "gate", device_class: DeviceClass = DeviceClass.CAMERA) -> Device:
    return Device(name, name, 1, device_class)


def found(tries: list[tuple[int, int]], step_s: int = 1, device: Device | None = None) -> list[str]:
    """What (host, port) tries show, ``step_s`` seconds apart."""
    searches, device = Searches(), device or camera()
    words = [searches.failed(device, host(n), port, at * step_s * SECOND_NS) for at, (n, port) in enumerate(tries)]
    return [each for each in words if each is not None]


def test_as_many_hosts_on_one_port_are_a_search_and_one_less_is_none() -> None:
    assert found([(n, 23) for n in range(HOSTS)]) == ["25 hosts tried in vain on tcp/23 within 5 minutes"]
    assert found([(n, 23) for n in range(HOSTS - 1)] * 10) == []


def test_as_many_ports_of_one_host_are_a_search_and_one_less_is_none() -> None:
    assert found([(1, port) for port in range(PORTS)]) == ["15 ports of one host tried in vain within 5 minutes"]
    assert found([(1, port) for port in range(PORTS - 1)] * 10) == []


def test_hosts_asked_for_by_arp_are_a_search() -> None:
    assert found([(n, ARP) for n in range(254)]) == ["25 hosts asked for by ARP in vain within 5 minutes"]


def test_a_search_by_several_ports_at_a_time_is_one() -> None:
    assert len(found([(n, port) for n in range(HOSTS) for port in (22, 23, 80, 2323)])) == 1


def test_what_is_spread_over_more_time_is_none() -> None:
    assert found([(n, 23) for n in range(HOSTS)], step_s=WINDOW_NS // SECOND_NS // HOSTS + 2) == []


def test_it_is_told_once_a_window() -> None:
    tries = [(n % 50, 23) for n in range(2 * WINDOW_NS // SECOND_NS)]
    assert len(found(tries)) == 2


@pytest.mark.parametrize("device_class", [DeviceClass.RECORDER, DeviceClass.VIEWER])
def test_those_who_go_through_lists_of_cameras_by_trade_do_not_search(device_class: DeviceClass) -> None:
    assert found([(n, 554) for n in range(100)], device=camera(device_class=device_class)) == []


def test_what_is_remembered_is_bounded() -> None:
    searches = Searches()
    for number in range(MAX_SEARCHING + 3):
        for port in range(100):
            searches.failed(camera(str(number)), host(port), port, 0)
    assert (len(searches), searches.forgotten) == (MAX_SEARCHING, 3)
