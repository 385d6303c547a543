"""A run that is stopped, or killed, and goes on in another process tells what one run tells."""

from __future__ import annotations

import shutil
import zlib
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from collectors.blocks import CAPTURED, COLUMNS, OFFSET, TS
from collectors.captures import Captures
from monitor.app import sensor_view
from monitor.config import convert
from monitor.continuity import PREFIX, Keeper
from monitor.continuity.records import ContactRecord, Damaged, decode
from monitor.model.contacts import Trait
from monitor.model.incidents import Activity, Kind, Notice, Severity
from monitor.store import Store
from pcaps import scenarios
from pcaps.savefile import Frame
from pcaps.scenarios import NAMES
from pcaps.wire import SECOND, START
from tests.engine.played import Played, blocks, engine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from monitor.app import Knowledge
    from monitor.continuity import Rows
    from monitor.model.contacts import Contact
    from monitor.model.incidents import Transition

PERIOD_NS: Final = 5_000_000_000
"""How often the daemon saves without a transition."""
RESTART_NS: Final = 5_000_000
"""No process starts in less: both copies that a mirror makes of a packet pass in that time."""


def frames_of(name: str) -> list[Frame]:
    """The packets of a scenario."""
    frames = []
    for block in Captures([scenarios.load(name).capture]).blocks():
        view = memoryview(block.memory)
        for at in range(0, COLUMNS * block.count, COLUMNS):
            start, length = block.index[at + OFFSET], block.index[at + CAPTURED]
            frames.append(Frame(block.index[at + TS], bytes(view[start : start + length])))
    return frames


def cut(frames: Sequence[Frame], points: Sequence[int]) -> list[Sequence[Frame]]:
    """The packets in runs that end at these points, or at the first thereafter at which a process could start."""
    runs, begin = [], 0
    for point in sorted(points):
        end = max(point, begin + 1)
        while end < len(frames) and frames[end].ts_ns - frames[end - 1].ts_ns < RESTART_NS:
            end += 1
        if end < len(frames):
            runs.append(frames[begin:end])
            begin = end
    return [*runs, frames[begin:]]


def fresh(known: Knowledge, name: str, **changed: Any) -> Played:
    """An engine that has seen nothing, configured as the scenario says, but for what is ``changed``."""
    small = {"limits": {"flows": 8192}}
    return engine(known, convert(dict(scenarios.load(name).configuration) | small | changed, name))


class Process:
    """One process of the daemon: an engine, and the journal with its rows."""

    def __init__(self, known: Knowledge, name: str, state: Path, at_ns: int | None = None, **changed: Any) -> None:
        self.played = fresh(known, name, **changed)
        self.store = Store.open(state, sensor="here", sinks=[])
        self.keeper = Keeper(self.played.engine)
        self.report = self.keeper.restore(self.store.states(PREFIX), at_ns)
        self._saved_ns = self.report.saved_ns

    def feed(self, frames: Sequence[Frame]) -> list[Transition]:
        """A block, committed with all that it changed."""
        told: list[Transition] = []
        for block in blocks(frames, size=max(1, len(frames))):
            told += self.played.engine.feed(block)
        self.commit(told, self.keeper.changed(told))
        if self.played.engine.now_ns - self._saved_ns >= PERIOD_NS:
            self._saved_ns = self.played.engine.now_ns
            self.commit([], self.keeper.periodic())
        return told

    def commit(self, told: Sequence[Transition], rows: Rows) -> None:
        """All or nothing. What is told now was never told before."""
        assert len(self.store.append(told, lambda each, *_: each.uid.encode(), rows)) == len(told)

    def stop(self) -> None:
        """A clean stop."""
        self.commit([], self.keeper.rest())
        self.store.close()

    def kill(self) -> None:
        """What was not committed is lost."""
        self.store.close()

    def finish(self) -> list[Transition]:
        """The packets are over."""
        told = self.played.finish().told
        self.commit(told, self.keeper.changed(told))
        self.store.close()
        return told


def run_to(known: Knowledge, name: str, state: Path, packets: int) -> list[Transition]:
    """A process that was stopped after so many packets; what it told."""
    process = Process(known, name, state)
    told = process.feed(frames_of(name)[:packets])
    process.stop()
    return told


def whole(known: Knowledge, name: str, frames: Sequence[Frame]) -> list[Transition]:
    """What one run tells."""
    return fresh(known, name).feed(blocks(frames)).finish().told


def outline(told: Sequence[Transition]) -> dict[str, Any]:
    """What each incident came to, whenever that was told."""
    return {
        each.incident: (
            each.kind, each.activity, each.outcome, each.attempts, each.bytes_out, each.bytes_in, each.severity,
            sorted(each.properties), each.refused_by, each.verdict, each.first_ns, each.last_ns, each.message,
            each.rule, each.merged_into, set(each.evidences), each.device, each.visibility,
        )
        for each in told
    }  # fmt: skip


def check_order(told: Sequence[Transition]) -> None:
    """Numbers of an incident have no gap, it ends once, and no count of it ever runs backwards."""
    last: dict[str, Transition] = {}
    for each in told:
        before = last.get(each.incident)
        assert each.number == (before.number + 1 if before is not None else 1)
        if before is not None:
            assert before.activity is not Activity.END
            counts = (each.attempts, each.bytes_out, each.bytes_in)
            assert all(
                now >= then
                for now, then in zip(counts, (before.attempts, before.bytes_out, before.bytes_in), strict=True)
            )
        last[each.incident] = each


@pytest.mark.parametrize("name", NAMES)
def test_a_clean_stop_loses_nothing(name: str, known: Knowledge, tmp_path: Path) -> None:
    """Stopped and started again at seven points, it comes to the same incidents with the same counts."""
    frames = frames_of(name)
    runs = cut(frames, Random(name).sample(range(1, len(frames)), 7))
    assert len(runs) > 3
    told: list[Transition] = []
    for number, run in enumerate(runs, start=1):
        process = Process(known, name, tmp_path)
        told += process.feed(run)
        if number < len(runs):
            process.stop()
    packets = process.played.engine.scanner.packets
    told += process.finish()
    assert packets == len(frames)
    assert outline(told) == outline(whole(known, name, frames))
    check_order(told)


@pytest.mark.parametrize("name", NAMES)
def test_a_kill_loses_no_incident(name: str, known: Knowledge, tmp_path: Path) -> None:
    """Killed between any two blocks, with only committed rows kept, it comes to the incidents of one run.

    Nothing is told twice, no count runs backwards, and none is higher than in one run.
    """
    chance = Random(name)
    frames = frames_of(name)
    runs = cut(frames, range(1, len(frames), 4) if len(frames) < 1000 else range(1, len(frames), 100))
    kills = set(chance.sample(range(1, len(runs)), min(7, len(runs) - 1)))
    told: list[Transition] = []
    process = Process(known, name, tmp_path)
    for number, run in enumerate(runs):
        if number in kills:
            process.kill()
            process = Process(known, name, tmp_path)
        told += process.feed(run)
    told += process.finish()
    check_order(told)
    expected = {each.incident: each for each in whole(known, name, frames)}
    found = {each.incident: each for each in told}
    assert found.keys() == expected.keys()
    for uid, each in found.items():
        assert (each.kind, each.outcome, each.device) == (
            expected[uid].kind,
            expected[uid].outcome,
            expected[uid].device,
        )
        assert each.attempts <= expected[uid].attempts
        assert each.bytes_out <= expected[uid].bytes_out


def test_an_incident_ends_after_its_quiet_time_though_nothing_more_ever_comes(known: Knowledge, tmp_path: Path) -> None:
    """Ticks alone end what was open, once, with the next number; after another start nothing is open again."""
    told = run_to(known, "irish_vendor_cloud", tmp_path, 226)
    open_ones = {each.incident for each in told} - {each.incident for each in told if each.activity is Activity.END}
    assert open_ones
    process = Process(known, "irish_vendor_cloud", tmp_path)
    assert process.report.incidents == len(open_ones)
    ended = process.played.engine.tick(process.report.saved_ns + 25 * 3600 * 1_000_000_000)
    process.commit(ended, process.keeper.changed(ended))
    check_order([*told, *ended])
    assert {each.incident for each in ended if each.activity is Activity.END} == open_ones
    process.kill()
    process = Process(known, "irish_vendor_cloud", tmp_path)
    assert (process.report.incidents, process.report.judged_again) == (0, 0)
    later = process.report.saved_ns + 25 * 3600 * 1_000_000_000
    assert process.played.engine.tick(later) == []
    process.kill()


def test_what_is_saved_of_a_quiet_network_is_nothing(known: Knowledge, tmp_path: Path) -> None:
    """Rows are written for what changed, and deleted for what is no more."""
    process = Process(known, "names_only", tmp_path)
    frames = frames_of("names_only")
    process.feed(frames[: len(frames) // 2])
    process.commit([], process.keeper.periodic())
    assert process.keeper.periodic() == {}
    assert process.keeper.changed() == {}
    assert process.keeper.waiting == 0
    waiting = list(process.store.states(f"{PREFIX}lookup/"))
    told = process.played.engine.finish()
    rows = process.keeper.changed(told)
    assert waiting
    assert all(rows[name] is None for name in waiting)
    process.kill()


@pytest.mark.parametrize("damage", ["bit", "cut", "empty", "version"])
def test_damaged_rows_are_counted_and_left_out(damage: str, known: Knowledge, tmp_path: Path) -> None:
    """Every row in turn: the run goes on with the others, and the row is gone from the journal at the next saving."""
    run_to(known, "irish_vendor_cloud", tmp_path, 120)
    with Store.open(tmp_path, sensor="here", sinks=[]) as store:
        rows = store.states(PREFIX)
    assert {name.split("/")[1] for name in rows} >= {"engine", "site", "device", "contact", "names", "incident"}
    for name, row in rows.items():
        body = bytearray(row)
        if damage == "bit":
            body[len(body) // 2] ^= 0x10
        elif damage == "cut":
            del body[-1]
        elif damage == "empty":
            body.clear()
        else:
            body[5] = 0x7F  # the version, the first element of the array
            body[:4] = zlib.crc32(body[4:]).to_bytes(4, "big")
        played = fresh(known, "irish_vendor_cloud")
        keeper = Keeper(played.engine)
        report = keeper.restore(rows | {name: bytes(body)})
        assert (report.damaged, report.foreign) == ((0, 1) if damage == "version" else (1, 0))
        told = played.feed(blocks(frames_of("irish_vendor_cloud")[120:])).finish().told
        assert told
        after = keeper.changed(told) | keeper.rest()
        assert after.get(name, b"") is None or after[name] != bytes(body)


def test_every_byte_of_a_row_is_checked(known: Knowledge, tmp_path: Path) -> None:
    """No changed byte goes unseen."""
    run_to(known, "irish_vendor_cloud", tmp_path, 120)
    with Store.open(tmp_path, sensor="here", sinks=[]) as store:
        row = next(iter(store.states(f"{PREFIX}contact/").values()))
    for at in range(len(row)):
        body = bytearray(row)
        body[at] ^= 1
        with pytest.raises(Damaged):
            decode(ContactRecord, bytes(body))


def test_a_device_that_left_the_inventory(known: Knowledge, tmp_path: Path) -> None:
    """Its incident is not forgotten: it ends after its quiet time. What was learnt of the host stays."""
    told = run_to(known, "irish_vendor_cloud", tmp_path, 226)
    process = Process(known, "irish_vendor_cloud", tmp_path, device=[])
    assert (process.report.damaged, process.report.orphaned) == (0, 0)
    devices = process.played.engine.attribution.devices
    for name in {each.device.name for each in told}:
        device = devices.named(name)
        assert device is not None
        assert not device.configured
        assert device.addresses
    ended = process.played.engine.tick(process.report.saved_ns + 25 * 3600 * 1_000_000_000)
    check_order([*told, *ended])
    assert {each.incident for each in ended} == {each.incident for each in told}
    process.kill()


def test_a_policy_that_now_allows_it_ends_the_incident(known: Knowledge, tmp_path: Path) -> None:
    """What is open is judged by the rules of today, at the first tick."""
    told = run_to(known, "irish_vendor_cloud", tmp_path, 226)
    before = dict(scenarios.load("irish_vendor_cloud").configuration)
    groups = [group | {"allow": ["0.0.0.0/0", "*"], "isolated": False} for group in before["group"]]
    process = Process(known, "irish_vendor_cloud", tmp_path, group=groups)
    assert process.report.judged_again
    ended = process.played.engine.tick(process.report.saved_ns + 1_000_000_000)
    check_order([*told, *ended])
    assert {each.activity for each in ended} == {Activity.END}
    assert {each.incident for each in ended} == {each.incident for each in told}
    process.kill()


def test_smaller_limits_keep_what_was_used_last(known: Knowledge, tmp_path: Path) -> None:
    """Of devices and contacts as many as there is room for; the rest is counted, and its rows go."""
    run_to(known, "airport_storm", tmp_path, 2000)
    full = Process(known, "airport_storm", tmp_path)
    used = sorted(contact.used_ns for contact in contacts_of(full))
    full.kill()
    process = Process(known, "airport_storm", tmp_path, limits={"contacts": 64})
    assert process.report.crowded == len(used) - 64 > 0
    assert sorted(contact.used_ns for contact in contacts_of(process)) == used[-64:]
    process.commit([], process.keeper.rest())
    assert len(process.store.states(f"{PREFIX}contact/")) == 64
    process.kill()


def contacts_of(process: Process) -> list[Contact]:
    """All of all devices."""
    known = process.played.engine.attribution
    return [contact for device in known.devices for contact in known.contacts.of(device)]


def test_a_gap_is_told_and_lookups_in_it_are_not_concluded(known: Knowledge, tmp_path: Path) -> None:
    """Nobody saw whether anything followed a name that was asked for just before: it is not said to be only asked."""
    frames = frames_of("names_only")
    run_to(known, "names_only", tmp_path, len(frames) // 2)
    whole_way = Process(known, "names_only", tmp_path)
    assert whole_way.report.lookups
    whole_way.kill()
    back_ns = whole_way.report.last_packet_ns + 60_000_000_000
    process = Process(known, "names_only", tmp_path, at_ns=back_ns)
    assert process.report.lookups + process.report.unsure == whole_way.report.lookups
    assert process.report.unsure
    assert process.report.gap_ns(back_ns) == 60_000_000_000
    assert process.played.engine.attribution.whole_since_ns == process.played.engine.first_ns == back_ns
    process.kill()


def test_much_is_saved_piece_by_piece_and_comes_to_the_same(known: Knowledge, tmp_path: Path, monkeypatch: Any) -> None:
    """Where more changes than is written at a time, the rest follows; counts of an incident and its contacts agree."""
    monkeypatch.setattr("monitor.continuity.keeper.ROWS", 8)
    frames = frames_of("airport_storm")[:1500]
    process = Process(known, "airport_storm", tmp_path)
    most = 0
    for run in cut(frames, range(100, len(frames), 100)):
        process.feed(run)
        most = max(most, process.keeper.waiting)
        process.commit([], process.keeper.periodic())
        check_sums(known, process)
    assert most > 16
    for _ in range(1000):
        if not process.keeper.waiting:
            break
        process.commit([], process.keeper.periodic())
    check_sums(known, process)
    assert process.keeper.waiting == 0
    process.kill()


def check_sums(known: Knowledge, process: Process) -> None:
    """What the rows say at this moment: each incident has what its contacts say that they gave it."""
    played = fresh(known, "airport_storm")
    Keeper(played.engine).restore(process.store.states(PREFIX))
    book, known_now = played.engine.book, played.engine.attribution
    given = dict.fromkeys(book.uids(), 0)
    for contact in (each for device in known_now.devices for each in known_now.contacts.of(device)):
        if contact.incident in given:
            given[contact.incident] += contact.told_attempts - contact.kept[0]
    for uid, attempts in given.items():
        incident = book.open(uid)
        assert incident is not None
        assert incident.attempts == attempts


def test_a_name_that_may_have_been_asked_for_in_a_gap_is_not_said_to_be_unknown(
    known: Knowledge, tmp_path: Path
) -> None:
    """A camera that booted before a restart is not said to call hardcoded addresses after it, unless nothing was missed."""
    frames = frames_of("hardcoded_p2p")
    remote = next(number for number, frame in enumerate(frames) if b"\xf1\x00\x00\x00" in frame.data)
    run_to(known, "hardcoded_p2p", tmp_path, remote)
    found = {}
    for gap_ns in (0, 60_000_000_000):
        state = tmp_path / str(gap_ns)
        shutil.copytree(tmp_path, state, ignore=shutil.ignore_patterns("0", "reserve"))
        process = Process(known, "hardcoded_p2p", state, at_ns=frames[remote].ts_ns + gap_ns if gap_ns else None)
        process.feed([Frame(frame.ts_ns + gap_ns, frame.data) for frame in frames[remote:]])
        found[gap_ns] = {trait for contact in contacts_of(process) for trait in contact.traits}
        process.kill()
    assert Trait.LITERAL_ADDRESS in found[0]
    assert Trait.LITERAL_ADDRESS not in found[60_000_000_000]


LINKS = {"device", "older", "newer", "older_own", "newer_own", "oldest", "newest", "newest_flow", "best", "order"}
"""Attributes that lead to other objects, or follow from where those are."""


def attributes(thing: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in names if name not in LINKS and not callable(getattr(thing, name))}


def everything(played: Played) -> dict[object, dict[str, Any]]:
    """All attributes of all devices, contacts, flows, lookups and incidents, whatever they are called."""
    known, book = played.engine.attribution, played.engine.book
    found: dict[object, dict[str, Any]] = {}

    def add(key: object, thing: object) -> None:
        found[key] = attributes(thing, [name for name in dir(thing) if not name.startswith("__")])

    for device in known.devices:
        add(("device", device.key), device)
        for contact in known.contacts.of(device):
            add(contact.place, contact)
            flow = contact.newest_flow
            while flow is not None:
                add(
                    ("flow", flow.initiator, flow.responder, flow.initiator_port, flow.responder_port, flow.proto), flow
                )
                flow = flow.earlier
    asked = known.lookups.keys()
    for key in asked:
        add(("lookup", key), known.lookups.at(key))
    for uid in book.uids():
        incident = book.open(uid)
        assert incident is not None
        add(uid, incident)
        found[uid]["best"] = incident.best.place if incident.best is not None else None
    return found


WHERE = {"slot", "opened", "accepted", "earlier", "later", "contact", "heard_ns", "ways", "shown"}
"""Where in a table a thing is, and what is made anew from the rest."""


@pytest.mark.parametrize("name", [name for name in NAMES if name != "airport_storm"])
def test_everything_that_is_known_is_known_again(name: str, known: Knowledge, tmp_path: Path) -> None:
    """Every attribute, also one that was added later, but for what says where in a table a thing is."""
    frames = frames_of(name)
    run_to(known, name, tmp_path, 2 * len(frames) // 3)
    before = fresh(known, name).feed(blocks(frames[: 2 * len(frames) // 3]))
    process = Process(known, name, tmp_path)
    after = process.played
    now, then = everything(after), everything(before)
    assert now.keys() == then.keys()
    for key, was in then.items():
        different = {each for each, value in was.items() if now[key][each] != value}
        assert different <= WHERE, key
    left, right = before.engine.attribution, after.engine.attribution
    assert right.site.learnt() == left.site.learnt()
    assert right.devices.routers() == left.devices.routers()
    told = left.names.keys()
    assert {*right.names.keys()} == {*told}
    assert [right.names.at(key) for key in told] == [left.names.at(key) for key in told]
    assert after.engine.scanner.counters() == before.engine.scanner.counters()
    assert after.engine.counts == before.engine.counts
    process.kill()


def test_an_event_that_went_on_without_news_goes_on(known: Knowledge, tmp_path: Path) -> None:
    """When it was last noticed, and how often, is kept though nothing was told of it: or it would end and begin anew."""
    state, copy = tmp_path / "state", tmp_path / "copy"
    first = Process(known, "airport_storm", state)
    notice = Notice(Kind.DEVICE_CHANGED, Severity.HIGH, "gate", "changed", "as noticed")
    for hour in range(6):
        told = first.played.engine.alarms.note(sensor_view("gate"), notice, START + hour * 3600 * SECOND)
        first.commit(told, first.keeper.changed(told))
        if hour == 3:
            first.commit([], first.keeper.periodic())
            shutil.copytree(state, copy)
            killed = Process(known, "airport_storm", copy)
            (uid,) = killed.played.engine.alarms.uids()
            assert killed.played.engine.alarms.open(uid).times == 4
            killed.kill()
    first.stop()
    second = Process(known, "airport_storm", state)
    alarm = second.played.engine.alarms.open(uid)
    assert (alarm.number, alarm.times, alarm.last_ns) == (1, 6, START + 5 * 3600 * SECOND)
    second.kill()
