"""What is told of devices that answer, are updated and call somebody, through the whole engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcaps import asking, tls
from pcaps.wire import LAN_RTT, MINUTE, MS, Connection, lookup, view
from tests.engine.played import AMAZON_IE, AMAZON_IE_2, START, Played, Site, configured, play

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.model.incidents import Transition

EZVIZ = "/ISAPI/System/Network/EZVIZ"
INFO = "/ISAPI/System/deviceInfo"
CAPABILITIES = "/ISAPI/System/capabilities"
IMAGE = b"\xe9\x9a\xf7\xb6" + bytes(range(256)) * 64


def ask(site: Site, minute: float, *answers: tuple[str, bytes]) -> None:
    """The phone asks the camera at the gate."""
    at = START + int(minute * MINUTE)
    session = asking.Session(site.wire, site.phone, site.gate, site.rng, at=at, realm="IP Camera")
    for uri, answer in answers:
        session.ask(uri, answer)
    session.close()


def update(site: Site, minute: float) -> None:
    """And pushes a firmware to it."""
    at = START + int(minute * MINUTE)
    session = asking.Session(site.wire, site.phone, site.gate, site.rng, at=at, realm="IP Camera")
    session.call("PUT", "/ISAPI/System/updateFirmware", IMAGE)
    session.close()


def call(site: Site, minute: float, name: str = "dev.hik-connect.com", ip: str = AMAZON_IE) -> None:
    """The camera goes to a cloud."""
    at = lookup(site.wire, START + int(minute * MINUTE), site.gate, site.server, name, ip)
    session = Connection(site.wire, site.gate, site.remote(ip), 443, at=at + 2 * MS, rng=site.rng)
    session.tls(site.rng, name)
    session.say(tls.application_data(site.rng, 100))
    session.hear(tls.application_data(site.rng, 100))
    session.close()


def info(version: str) -> tuple[str, bytes]:
    return INFO, asking.device_info("gate", "DS-2CD2143G2-I", "44:19:b6:20:00:0b", version, "build 220315")


def of(played: Played, kind: str) -> list[Transition]:
    """The last message of each incident of this kind."""
    return [each for each in played.incidents.values() if each.kind == kind]


def test_an_answer_of_before_an_update_is_no_denial_of_what_comes_after(known: Knowledge) -> None:
    """The new firmware has not said that its cloud is off, so it does not contradict itself."""
    site = Site()
    ask(site, 0, (EZVIZ, asking.switch("EZVIZ", on=False)))
    update(site, 2)
    call(site, 4)
    assert of(play(known, site), "contradiction") == []


def test_a_denial_that_is_repeated_after_an_update_counts(known: Knowledge) -> None:
    """The new firmware says that its cloud is off, and goes there."""
    site = Site()
    ask(site, 0, (EZVIZ, asking.switch("EZVIZ", on=False)))
    update(site, 2)
    ask(site, 3, (EZVIZ, asking.switch("EZVIZ", on=False)))
    call(site, 4)
    (found,) = of(play(known, site), "contradiction")
    assert found.capabilities == ("cloud.vendor",)
    assert "dev.hik-connect.com" in found.message


def test_one_that_goes_on_for_a_moment_as_it_is_switched_off_is_not_blamed(known: Knowledge) -> None:
    """Within the grace; what comes later is a contradiction."""
    site = Site()
    ask(site, 1, (EZVIZ, asking.switch("EZVIZ", on=False)))
    call(site, 1.05)
    assert of(play(known, site), "contradiction") == []
    call(site, 3)
    assert len(of(play(known, site), "contradiction")) == 1


def test_the_version_is_not_gained_by_its_update(known: Knowledge) -> None:
    """What the answers have beside it is, known or not; what went is not."""
    site = Site()
    before = asking.system_capabilities({"isSupportSSH": True}, {"isSupportFaceDetect": True, "isSupportOld": True})
    after = asking.system_capabilities(
        {"isSupportSSH": True}, {"isSupportFaceContrast": True, "isSupportNovelty": True}
    )
    ask(site, 0, info("V5.7.3"), (CAPABILITIES, before))
    update(site, 2)
    ask(site, 4, info("V5.7.15"), (CAPABILITIES, after))
    (found,) = of(play(known, site), "capability_gained")
    assert found.capabilities == ("face.recognise",)
    assert "SmartCap/isSupportNovelty = true" in found.message
    assert "isSupportOld" not in found.message
    assert "firmwareVersion" not in found.message
    (end,) = found.evidences  # of the conversation with the one who asked, and not of another
    assert (end.device_port, end.community_id is not None) == (80, True)
    assert found.firmware is not None
    assert (found.firmware.before, found.firmware.after) == ("V5.7.3 build 220315", "V5.7.15 build 220315")


def test_a_declaration_that_is_new_without_an_update_is_told_too(known: Knowledge) -> None:
    """Of a function that matters."""
    site = Site()
    ask(site, 0, (CAPABILITIES, asking.system_capabilities({}, {"isSupportFaceDetect": True})))
    ask(
        site, 2, (CAPABILITIES, asking.system_capabilities({}, {"isSupportFaceDetect": True, "isSupportFaceLib": True}))
    )
    (found,) = play(known, site).incidents.values()
    assert (found.kind, found.capabilities) == ("capability_gained", ("face.recognise",))
    assert "recognises faces, which it did not say before, and no update was seen" in found.message
    assert [end.device_port for end in found.evidences] == [80]


def test_what_is_not_mentioned_any_more_is_not_gone_nor_new_again(known: Knowledge) -> None:
    """A shorter answer changes nothing, nor does the long one that follows."""
    site = Site()
    long = asking.system_capabilities({"isSupportSSH": True}, {"isSupportFaceLib": True})
    ask(site, 0, (CAPABILITIES, long))
    ask(site, 1, (CAPABILITIES, asking.system_capabilities({"isSupportSSH": True}, {})))
    ask(site, 2, (CAPABILITIES, long))
    played = play(known, site)
    assert played.told == []
    page = played.engine.inspection.ledger.known("gate")
    assert page is not None
    assert page.rows["face.recognise"].state() == "dormant"


def test_a_switch_that_is_turned_on_is_a_dormant_function_once(known: Knowledge) -> None:
    """Asked again and again it says the same."""
    site = Site()
    for minute, on in enumerate((False, False, True, True)):
        ask(site, minute, (EZVIZ, asking.switch("EZVIZ", on=on)))
    (found,) = play(known, site).told
    assert (found.kind, found.capabilities) == ("dormant_function", ("cloud.vendor",))
    assert "says that it belongs to its maker's cloud now: that was off before" in found.message


def test_somewhere_new_after_an_update_is_gained_and_somewhere_old_is_not(known: Knowledge) -> None:
    """By whose it is, not by its address."""
    site = Site()
    ask(site, 0, info("V5.7.3"))
    call(site, 1)
    update(site, 3)
    call(site, 5, ip=AMAZON_IE_2)
    assert of(play(known, site), "capability_gained") == []
    call(site, 6, "www.easy4ipcloud.com", "47.241.20.9")
    (found,) = of(play(known, site, keeps=True), "capability_gained")
    assert "www.easy4ipcloud.com" in found.message
    assert "hik-connect" not in found.message
    (end,) = found.evidences
    assert (end.remote_name, end.remote_ip, end.remote_port) == ("www.easy4ipcloud.com", "47.241.20.9", 443)
    assert {"DNS", "attempt"} <= {packet.note.partition(" ")[0].rstrip(":") for packet in found.packets}


def test_who_was_hardly_watched_before_an_update_gains_nothing_by_what_it_does(known: Knowledge) -> None:
    """It may have gone there all along; what it says of itself for the first time is no gain either."""
    for minute, count in ((0.5, 0), (2, 1)):
        site = Site()
        ask(site, 0, info("V5.7.3"))
        update(site, minute)
        call(site, 4)
        assert len(of(play(known, site), "capability_gained")) == count


def test_a_track_that_is_there_from_the_start_is_nothing_new(known: Knowledge) -> None:
    """Nor is one that comes and goes."""
    site = Site()
    for minute, speech in enumerate((20, 0, 20)):
        view(site.wire, START + minute * MINUTE, site.phone, site.gate, site.rng, pictures=10, speech=speech)
    assert play(known, site).told == []


def test_telnet_that_was_never_refused_is_an_entry_and_no_alarm(known: Knowledge) -> None:
    """It may always have been open; where it was refused before, somebody opened it."""
    site = Site()
    Connection(site.wire, site.phone, site.gate, 23, at=START + MINUTE, rng=site.rng, rtt=LAN_RTT).open()
    assert play(known, site).told == []
    site = Site()
    Connection(site.wire, site.phone, site.gate, 23, at=START, rng=site.rng, rtt=LAN_RTT).reset()
    Connection(site.wire, site.phone, site.gate, 23, at=START + MINUTE, rng=site.rng, rtt=LAN_RTT).open()
    (found,) = play(known, site).told
    assert (found.kind, found.capabilities) == ("dormant_function", ("shell.telnet",))
    assert found.evidences[0].device_port == 23


def test_maintenance_windows_tell_how_grave_an_update_is(known: Knowledge) -> None:
    """The scenarios begin on a Monday at 08:00 UTC."""
    severities = {}
    for window in (None, "Mon 07:00-09:00", "Sun 02:00-04:00"):
        site = Site()
        update(site, 2)
        group = {"name": "cameras"} | ({"maintenance": [window]} if window else {})
        (found,) = play(known, site, configured(group=[group])).incidents.values()
        severities[window] = (found.severity.label, "outside_window" in found.properties)
    assert severities == {
        None: ("medium", False),
        "Mon 07:00-09:00": ("low", False),
        "Sun 02:00-04:00": ("high", True),
    }


def test_a_contradiction_is_noticed_again_when_it_is_denied_again_and_not_with_each_packet(known: Knowledge) -> None:
    """Ten sessions between two answers are one lie."""
    site = Site()
    for first in (0, 10):
        ask(site, first, (EZVIZ, asking.switch("EZVIZ", on=False)))
        for number in range(10):
            call(site, first + 1 + number / 2)
    played = play(known, site)
    (found,) = of(played, "contradiction")
    assert played.engine.alarms.open(found.incident).times == 2
