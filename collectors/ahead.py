"""Ahead: the next blocks are read and framed by a thread while the present one is looked at.

Reading and framing take no GIL, so on two cores they cost no time of their own. A block must stay as it is while
HELD blocks after it are made: one that waits in the queue and one that is in the making.
"""

from __future__ import annotations

from queue import Full, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from collectors.blocks import Block

HELD: Final = 2
STOP_SECONDS: Final = 0.1
"""How soon the thread notices that nobody wants its blocks any more."""


def ahead(blocks: Iterator[Block]) -> Generator[Block, None, None]:
    """The same blocks in the same order; what ``blocks`` raises is raised here."""
    made: Queue[Block | BaseException | None] = Queue(1)
    stop = Event()

    def put(item: Block | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                made.put(item, timeout=STOP_SECONDS)
            except Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for block in blocks:
                if not put(block):
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001  raised again where the blocks are wanted
            put(error)

    thread = Thread(target=work, name="camwarden-read-ahead", daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
