"""Lives of simulated cameras, polled: each change is told within one poll, by name, and nothing that did not change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from collectors.poll.reply import Outcome
from collectors.poll.target import Limits
from monitor.model.capabilities import Aspect, State
from monitor.model.incidents import Kind
from tests.app.polled import CAMERAS, Told, watched
from tests.cameras.life import Firmware, Mishap

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge
    from tests.app.polled import Watched

NEW: Final = Firmware("8.1.0", "250101")
MISHAPS: Final = {
    Mishap.REFUSED: 0.01, Mishap.BROKEN: 0.005, Mishap.BUSY: 0.005, Mishap.CUT: 0.005, Mishap.LOST: 0.005, Mishap.SILENT: 0.002,
}  # fmt: skip
"""Some 3 of 100 questions: one in most polls of twenty."""
IMPATIENT: Final = Limits(question_s=0.25, poll_s=30.0)
"""Silence costs a quarter of a second, for there are many; an answer that takes longer on a busy machine is one more
mishap."""
POLLS: Final = 12
"""Of each camera in the default run."""


class Script(NamedTuple):
    """What happens to one camera, by its maker's means. A function that no row of the catalogue knows by this
    interface's words is told as the statement that changed."""

    versions: tuple[str, str]
    """Before and after the update, as the device says them."""
    gains: frozenset[str]
    """What the update brings."""
    gained: tuple[str, ...]
    """What of that has a name, the most sensitive first."""
    news: tuple[str, ...] = ()
    """The end of each statement that is news besides."""
    wakes: str | None = None
    """A function that is switched on with no update."""
    sleeps: str | None = None
    """One whose switch says off; None: nothing of this interface's says so."""
    port: int = 0
    """On which it is then seen at work; 0: the inspection is told."""
    unnamed: str | None = None
    """One that is switched on and has no row, or an ordinary one: an entry, and no alarm."""
    at_once: tuple[str, ...] = ()
    """Kinds that are told of the first poll."""


SCRIPTS: Final = {
    "isapi": Script(
        ("V5.5.53 build 180730", "V8.1.0 build 250101"),
        frozenset({"face.recognise", "radio.probe", "network.ddns"}),
        ("face.recognise", "radio.probe", "network.ddns"),
        ("EventTrigger[alarmResult-1]", "FDLibCap"),
        wakes="cloud.vendor",
        sleeps="shell.ssh",
        port=22,
        unnamed="audio.input",
        at_once=(Kind.KNOWN_VULNERABLE,),  # CVE-2021-36260
    ),
    "dahua": Script(
        ("2.800.0000016.0.R,build:2020-06-05", "8.1.0,build:2025-01-01"),
        frozenset({"shell.telnet", "person.count"}),
        ("shell.telnet", "person.count"),
        wakes="cloud.p2p",
        sleeps="shell.ssh",
        port=22,
        unnamed="audio.input",
    ),
    "onvif, by token": Script(
        ("4.2.0 build 230105", "8.1.0 build 250101"),
        frozenset({"face.recognise", "app.install"}),
        ("app.install", "face.recognise", "face.detect"),
        wakes="zone.watch",
        sleeps="network.ddns",
        unnamed="audio.input",
    ),
    "onvif, by digest": Script(
        ("4.2.0 build 230105", "8.1.0 build 250101"),
        frozenset({"vehicle.plate", "audio.output"}),
        ("audio.output", "vehicle.plate"),
        wakes="person.detect",
        sleeps="network.ddns",
        unnamed="audio.input",
    ),
    "vapix": Script(
        ("10.12.91", "8.1.0"),
        frozenset({"audio.classify", "vehicle.plate"}),
        ("audio.classify",),
        ("application[licenseplateverifier]",),
        wakes="cloud.vendor",
        sleeps="shell.ssh",
        port=22,
        unnamed="discovery.answer",
    ),
    "reolink": Script(
        ("v3.1.0.956_22041100", "v8.1.0_25010100"),
        frozenset({"person.track", "export.rtmp", "face.detect"}),
        ("export.rtmp", "person.track"),
        ("Ability/abilityChn[0]/supportAiFace/permit",),
        wakes="cloud.p2p",
        sleeps=None,
        unnamed="person.detect",
    ),
    "sunapi": Script(
        ("2.11.01_20211210_R1", "8.1.0_20250101_R1"),
        frozenset({"face.detect", "app.install"}),
        (),
        ("attribute[FaceDetection]/@value", "group[System]/category[Support]", "opensdk.cgi apps Apps"),
        unnamed="upnp.portmap",
    ),
    "lapi": Script(
        ("IPC_G6107-B0011P23D1805.200605", "8.1.0.250101"),
        frozenset({"face.recognise", "shell.telnet"}),
        ("shell.telnet",),
        ("Data/Support/FaceRecognition",),
        unnamed="upnp.portmap",
    ),
}


@pytest.mark.parametrize("name", CAMERAS)
async def test_a_life(name: str, known: Knowledge, tmp_path: Path) -> None:
    """Exactly these incidents, each in the poll behind its cause: a switch, a lie that is seen, an update and its gains."""
    script = SCRIPTS[name]
    async with watched(known, name, tmp_path) as it:
        if script.sleeps is not None:
            it.life.supported.add(script.sleeps)
        assert [each.kind for each in await it.poll()] == list(script.at_once)
        for _ in range(2):
            assert await it.poll() == []
        assert it.answered() >= 4
        await _switches(it, script)
        await _lies(it, script)
        it.life.reboot()
        assert await it.poll() == []
        await _update(it, script)
        await _loss(it)


async def _switches(it: Watched, script: Script) -> None:
    if script.unnamed is not None:
        answers = {question: dict(said) for question, said in it.page.answers.items()}
        it.life.switch_on(script.unnamed)
        assert await it.poll() == []
        assert it.page.answers != answers
    if script.wakes is not None:
        it.life.switch_on(script.wakes)
        assert await it.poll() == [Told(Kind.DORMANT_FUNCTION, (), None, None, (script.wakes,))]
        assert it.page.rows[script.wakes].state() is State.READY
        assert await it.poll() == []


async def _lies(it: Watched, script: Script) -> None:
    if script.sleeps is None:
        return
    it.life.lie(script.sleeps)
    assert await it.poll() == []
    told = it.connected(script.port) if script.port else it.does(script.sleeps)
    assert told == [Told(Kind.CONTRADICTION, (), None, None, (script.sleeps,))]
    assert it.page.rows[script.sleeps].state() is State.CONTRADICTED
    assert await it.poll() == []


async def _update(it: Watched, script: Script) -> None:
    before, after = script.versions
    it.life.update(NEW, gains=script.gains)
    told = await it.poll()
    assert told[0] == Told(Kind.FIRMWARE_UPDATE, ("certain",), before, after, ())
    gains = [each for each in told if each.kind == Kind.CAPABILITY_GAINED]
    assert len(told) == 1 + len(gains)
    assert gains[-1] == Told(Kind.CAPABILITY_GAINED, ("after_update",), before, after, script.gained)
    (update,) = it.page.updates
    assert update.certain
    assert {each for each in update.gained if not each.startswith("statement ")} == set(script.gained)
    statements = sorted(each for each in update.gained if each.startswith("statement "))
    assert len(statements) == len(script.news)
    assert all(any(each.endswith(end) for each in statements) for end in script.news), statements
    assert await it.poll() == []


async def _loss(it: Watched) -> None:
    """What is lost with another update is not told, and what an answer no longer mentions does not read as removed."""
    rows = it.rows
    it.life.update(replaced(it.life.firmware), loses={"zone.watch", "person.detect"})
    told = await it.poll(48)
    assert [each.kind for each in told] == [Kind.FIRMWARE_UPDATE]
    assert {key: row for key, row in it.rows.items() if key in rows} == rows
    assert await it.poll() == []


def replaced(firmware: Firmware) -> Firmware:
    """The next one."""
    return Firmware("8.2.0", str(int(firmware.build) + 1))


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize("mishap", [Mishap.REFUSED, Mishap.CUT])
async def test_what_is_not_answered_is_not_removed(name: str, mishap: Mishap, known: Knowledge, tmp_path: Path) -> None:
    """A camera that answers nothing for two polls has lost nothing, and what it says afterwards is no news."""
    async with watched(known, name, tmp_path) as it:
        for _ in range(2):
            await it.poll()
        rows, answers, firmware = it.rows, dict(it.page.answers), it.page.firmware.current
        it.life.mishaps = {mishap: 1.0}
        for _ in range(2):
            assert await it.poll() == []
            assert it.answered() == 0
            assert it.replies
        assert (it.rows, it.page.answers, it.page.firmware.current) == (rows, answers, firmware)
        it.life.mishaps = {}
        assert await it.poll() == []
        assert it.answered() > 0
        assert it.rows == rows


@pytest.mark.parametrize("name", CAMERAS)
async def test_nothing_changes_while_nothing_does(name: str, known: Knowledge, tmp_path: Path) -> None:
    """However it is worded, and whatever goes wrong now and then."""
    await unchanged(name, known, tmp_path, POLLS)


@pytest.mark.slow
@pytest.mark.parametrize("name", CAMERAS)
async def test_nothing_changes_in_a_thousand_polls(name: str, known: Knowledge, tmp_path: Path) -> None:
    await unchanged(name, known, tmp_path, 1000)


async def unchanged(name: str, known: Knowledge, directory: Path, polls: int) -> None:
    """No transition, no row, no statement, no version, and nothing to write down."""
    async with watched(known, name, directory, IMPATIENT) as it:
        it.life.patience_s = 5.0
        for _ in range(3):
            await it.poll()
        rows, answers, firmware = it.rows, it.page.answers.copy(), it.page.firmware.by_source.copy()
        it.page.changed = False
        it.life.mishaps = MISHAPS
        answered = failed = 0
        for number in range(polls):
            assert await it.poll() == [], number
            assert not it.page.changed, number
            answered += it.answered()
            failed += sum(reply.outcome in (Outcome.FAILED, Outcome.REFUSED) for reply in it.replies)
        assert (it.rows, it.page.answers, it.page.firmware.by_source) == (rows, answers, firmware)
        assert answered > polls * 3
        assert failed or polls < 100
        assert it.engine.hearing.counts.malformed == {}


@pytest.mark.parametrize("said", [True, None])
async def test_an_update_that_is_not_seen_explains_nothing(said: bool | None, known: Knowledge, tmp_path: Path) -> None:
    """A function declared without another version: from an explicit no, or from silence."""
    async with watched(known, "isapi", tmp_path) as it:
        if said is None:
            it.life.named.discard("radio.probe")
        await it.poll()
        assert it.says("radio.probe", Aspect.SUPPORTED) is (False if said else None)
        it.life.supported.add("radio.probe")
        assert await it.poll() == [Told(Kind.CAPABILITY_GAINED, (), None, None, ("radio.probe",))]
