"""What waits between the engine's thread and the journal."""

from __future__ import annotations

import asyncio
import threading

from msgspec.structs import replace

from monitor.handover import MOST_OCTETS, Handover
from monitor.model.exhibits import Packet
from monitor.model.incidents import Activity, Transition
from tests.sinks.conftest import make_transition


def numbered(count: int, activity: Activity = Activity.UPDATE, first: int = 0) -> list[Transition]:
    return [make_transition(number, activity=activity) for number in range(first, first + count)]


async def test_everything_comes_in_order_with_the_newest_rows() -> None:
    """However many turns of the engine lie between two commits."""
    held = Handover(asyncio.get_running_loop())
    first, second = numbered(3), numbered(2, first=3)
    held.put(first, {"a": b"1", "b": b"1"})
    held.put(second, {"a": None})
    assert not held.empty
    assert await held.take() == (first + second, {"a": None, "b": b"1"})
    assert held.empty


async def test_rows_alone_are_handed_over() -> None:
    """What is saved each few seconds needs no transition."""
    held = Handover(asyncio.get_running_loop())
    held.put((), {"a": b"1"})
    assert await asyncio.wait_for(held.take(), 5) == ([], {"a": b"1"})


async def test_another_thread_wakes_the_loop() -> None:
    """The engine's thread never touches the loop's own objects."""
    held = Handover(asyncio.get_running_loop())
    waiting = asyncio.create_task(held.take())
    await asyncio.sleep(0)
    thread = threading.Thread(target=held.put, args=(numbered(1), {}))
    thread.start()
    taken, _ = await asyncio.wait_for(waiting, 5)
    thread.join()
    assert len(taken) == 1


async def test_updates_make_room_for_openings_and_ends() -> None:
    """While nothing can be journalled half of the room is kept for them; what found none is counted."""
    held = Handover(asyncio.get_running_loop(), capacity=10)
    held.put(numbered(8), {})
    assert (held.limit().size, held.refused) == (5, 3)
    held.put(numbered(8, Activity.NEW, first=8), {})
    assert (held.limit().size, held.refused) == (10, 6)
    taken, _ = await held.take()
    assert [each.activity for each in taken] == [Activity.UPDATE] * 5 + [Activity.NEW] * 5
    held.put(numbered(1, Activity.END, first=16), {})
    assert (held.limit().size, held.refused, held.limit().turned_away) == (1, 6, 6)


async def test_packets_are_given_up_before_what_happened() -> None:
    """Where too many wait for the disk, transitions go without theirs; that is counted, and over once they are taken."""
    held = Handover(asyncio.get_running_loop())
    packet = Packet(0, bytes(MOST_OCTETS // 4), MOST_OCTETS // 4, 1, "")
    given = [replace(each, packets=(packet,)) for each in numbered(6)]
    held.put(given, {})
    limit = held.limit_of_packets()
    assert (limit.size <= limit.capacity, limit.turned_away) == (True, 3)
    taken, _ = await held.take()
    assert [bool(each.packets) for each in taken] == [True] * 3 + [False] * 3
    held.put(given[:1], {})
    assert (await held.take())[0] == given[:1]
