"""Which facts speak for an update of a device, and in what words."""

from __future__ import annotations

import pytest

from monitor.inspection.signs import SECOND_NS, SILENT_NS, SignsOfUpdates
from monitor.ledger.ledger import Ledger, Page
from monitor.ledger.updates import Sign, Update
from monitor.model.address import pack
from monitor.model.capabilities import Grade
from monitor.model.contacts import Device
from monitor.model.facts import FirmwareCall, FirmwareTransfer

MINUTE_NS = 60 * SECOND_NS
SHA = "cf" * 32
PUSHED = "http://10.20.0.11/ISAPI/System/updateFirmware"


class Story:
    """One device and what is noticed of it, from minute 10 on."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.signs = SignsOfUpdates(self.ledger)
        self.device = Device("gate", "gate", 1, addresses=[pack("10.20.0.11")])
        self.device.seen_s, self.device.seen_ns = 590, 10 * MINUTE_NS

    @property
    def page(self) -> Page:
        return self.ledger.page("gate")

    def call(self, operation: str, *, minute: int = 10, accepted: bool | None = None) -> Update | None:
        fact = FirmwareCall("isapi", operation, PUSHED, accepted)
        return self.signs.seen(self.device, fact, "10.20.0.63", minute * MINUTE_NS)

    def image(
        self, uri: str | None, name: str | None = None, *, complete: bool = True, size: int = 1_000_000
    ) -> Update | None:
        sha = SHA if complete else None
        fact = FirmwareTransfer("to_device", "http", name, uri, size, complete, sha, "uimage", None)
        return self.signs.seen(self.device, fact, "10.20.0.63", 10 * MINUTE_NS)

    def restarts(self, minute: int) -> list[Update]:
        return [update for _, update in self.signs.restarts({"gate": self.device}.get, minute * MINUTE_NS)]


def test_a_pushed_image_comes_from_whoever_pushed_it() -> None:
    """Its URI is the device's own, whose address is neither its source, nor its name, nor a version."""
    story = Story()
    update = story.image(PUSHED)
    assert update is not None
    assert update.signs == {
        "image": f"1,000,000 bytes, uimage, SHA-256 {SHA}, over http from 10.20.0.63",
    }
    assert (update.after, update.image_sha256) == (None, SHA)
    assert story.page.firmware.current is None


@pytest.mark.parametrize(
    ("uri", "name", "after"),
    [
        ("http://10.20.0.2/fw/gate-1.7.5.bin", "gate-1.7.5.bin", "1.7.5"),
        ("http://10.20.0.2/fw/gate-1.7.5.bin?from=1.1.0", None, "1.7.5"),
        ("http://192.168.1.108/digicap.dav", "digicap.dav", None),
        ("http://192.168.1.108", None, None),
        (None, "gate-1.7.5.bin", "1.7.5"),
        (None, None, None),
    ],
)
def test_a_file_s_name_may_hold_the_version(uri: str | None, name: str | None, after: str | None) -> None:
    """Its path's last part where it has no name; never its host."""
    story = Story()
    update = story.image(uri, name)
    assert update is not None
    assert update.after == after
    assert (story.page.firmware.current is not None) is (after is not None)


def test_part_of_an_image_is_a_hint_and_names_no_version() -> None:
    """What was not seen to its end may not have been taken."""
    update = Story().image("http://10.20.0.2/gate-1.7.5.bin", "gate-1.7.5.bin", complete=False)
    assert update is not None
    assert (update.grade, update.after, [*update.signs]) == (Grade.HINT, None, [Sign.PART])


def test_nothing_that_passed_is_no_update() -> None:
    """An answer without a body, such as that to HEAD."""
    assert Story().image("http://10.20.0.2/ca.bin", size=0) is None


@pytest.mark.parametrize(
    ("operation", "opens"),
    [("upload", True), ("fetch", True), ("install", True), ("status", False), ("cancel", False), ("reboot", False)],
)
def test_calls_that_open_an_update(operation: str, opens: bool) -> None:
    """Those that make a device write a firmware; one that it refused opens none."""
    assert (Story().call(operation) is not None) is opens
    assert Story().call(operation, accepted=False) is None


def test_a_call_to_restart_is_not_the_restart() -> None:
    """Both are told, one behind the other."""
    story = Story()
    update = story.call("upload")
    assert update is not None
    assert story.call("reboot") is update
    assert story.restarts(11) == []
    story.device.booted_ns = 12 * MINUTE_NS
    assert story.restarts(12) == [update]
    assert [*update.signs] == [Sign.CALL, Sign.REBOOT, Sign.RESTART]
    assert story.restarts(13) == []


def test_silence_of_one_that_always_sends_is_a_restart() -> None:
    """And no silence at all, or of one that hardly ever sends, is none."""
    for seen_s, silent_ns, found in ((590, SILENT_NS, 1), (590, SILENT_NS - 1, 0), (5, SILENT_NS, 0)):
        story = Story()
        story.call("upload", minute=9)
        story.device.seen_s = seen_s
        story.restarts(10)
        story.device.seen_ns += silent_ns
        assert len(story.restarts(11)) == found


def test_a_start_long_behind_belongs_to_something_else() -> None:
    """More than an hour."""
    story = Story()
    story.call("upload")
    story.device.booted_ns = 75 * MINUTE_NS
    assert story.restarts(75) == []


def test_another_version_makes_it_certain_whatever_the_file_was_called() -> None:
    """The device says what it runs; signs that came before are kept."""
    story = Story()
    story.page.firmware.learn("1.1.0", Grade.CERTAIN, "isapi", MINUTE_NS)
    update = story.image("http://10.20.0.2/fw.bin", "gate-1.7.5.bin")
    assert update is not None
    assert (update.before, update.after, update.grade) == ("1.1.0", "1.7.5", Grade.PROBABLE)
    turn = story.page.firmware.learn("1.7.4", Grade.CERTAIN, "isapi", 20 * MINUTE_NS)
    assert turn is not None
    assert story.signs.turned(story.device, story.page, turn) is update
    assert (update.before, update.after, update.grade) == ("1.1.0", "1.7.4", Grade.CERTAIN)
    assert [*update.signs] == [Sign.IMAGE, Sign.VERSION]


def test_the_first_version_that_is_heard_is_no_update() -> None:
    """Nobody knows what was before it."""
    story = Story()
    turn = story.page.firmware.learn("1.1.0", Grade.CERTAIN, "isapi", MINUTE_NS)
    assert turn is not None
    assert story.signs.turned(story.device, story.page, turn) is None
    assert story.page.updates == []


def test_another_call_after_a_certain_update_is_another_update() -> None:
    """On the same day too."""
    story = Story()
    story.page.firmware.learn("1.0", Grade.CERTAIN, "isapi", MINUTE_NS)
    first = story.call("upload")
    turn = story.page.firmware.learn("2.0", Grade.CERTAIN, "isapi", 20 * MINUTE_NS)
    assert turn is not None
    story.signs.turned(story.device, story.page, turn)
    second = story.call("upload", minute=60)
    assert second is not None
    assert second is not first
    assert second.before == "2.0"


def test_a_banner_and_a_restart_join_and_open_nothing() -> None:
    """They are told as part of an update, or not at all."""
    story = Story()
    assert story.signs.joined(story.page, "it booted", MINUTE_NS) is None
    assert story.signs.banner(story.page, "it greets otherwise", MINUTE_NS) is None
    update = story.call("upload")
    assert story.signs.joined(story.page, "it booted", 11 * MINUTE_NS) is update
    assert story.signs.banner(story.page, "it greets otherwise", 11 * MINUTE_NS) is update
