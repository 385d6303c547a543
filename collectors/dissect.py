"""Dissect: what Wireshark's dissectors see in a small capture. The one door to pyshark, and so to tshark.

A dissector may loop or swell on a hostile packet, so tshark has bounds of time, memory and packets, is killed by its
id when it goes beyond, and resolves no name. Never in the path of packets: it takes some milliseconds for each.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MOST_PACKETS: Final = 512
MOST_SECONDS: Final = 30.0
LEAVES_S: Final = 2.0
"""How long a tshark that has said all may take to end, seconds."""
MOST_MEMORY: Final = 2 * 1024 * 1024 * 1024
"""Bytes of address space: tshark 4.0 maps some 700 MiB before it reads a packet."""
MOST_VALUES: Final = 16
"""Values of a field that a packet may have several of."""
MOST_TEXT: Final = 512
"""Characters of a value."""
ALONE: Final = ("-n",)
"""tshark asks no resolver for names: what is looked at may be a name that nobody should ask for."""


class DissectError(Exception):
    """It could not be dissected; one line."""


class NoTshark(DissectError):  # noqa: N818  it says what is missing
    """There is no tshark on this machine."""


@dataclass(frozen=True, slots=True)
class Dissected:
    """One packet as Wireshark sees it. Text is from the wire: show it with care."""

    number: int
    """From 1, as Wireshark counts."""
    layers: tuple[str, ...]
    """Names of the protocols, outermost first."""
    fields: Mapping[str, tuple[str, ...]]
    """Those that were asked for and are there, by their names in display filters."""


def dissect(path: Path, wanted: Sequence[str], *, seconds: float = MOST_SECONDS) -> list[Dissected]:
    """The first packets of a capture, with the ``wanted`` fields, named as in display filters (``dns.qry.name``).

    NoTshark if there is none; DissectError if it takes longer, or ends before it is through.
    """
    if shutil.which("tshark") is None:
        raise NoTshark("tshark is not installed: Debian has it in the package tshark")
    return asyncio.run(_dissect(path, wanted, seconds))


async def _dissect(path: Path, wanted: Sequence[str], seconds: float) -> list[Dissected]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pyshark's own imports
        from pyshark.capture.capture import TSharkCrashException
        from pyshark.capture.file_capture import FileCapture

    started: list[Any] = []

    class Bounded(FileCapture):  # type: ignore[misc,unused-ignore]
        """A capture whose tshark has bounds from its first moment on."""

        def _created_new_process(self, parameters: Any, process: Any, process_name: str = "TShark") -> None:  # noqa: ANN401
            started.append(process)
            with contextlib.suppress(ProcessLookupError):  # it is through already
                resource.prlimit(process.pid, resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
                resource.prlimit(process.pid, resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
                resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
            super()._created_new_process(parameters, process, process_name)

        async def _cleanup_subprocess(self, process: Any) -> None:  # noqa: ANN401
            """It has said all: it ends by itself, or is made to; Process.kill would race with who waits for it."""
            try:
                async with asyncio.timeout(LEAVES_S):
                    await process.wait()
            except TimeoutError:
                _kill(process.pid)
                await process.wait()

    found: list[Dissected] = []
    capture = Bounded(
        str(path), keep_packets=False, eventloop=asyncio.get_running_loop(), custom_parameters=list(ALONE)
    )
    try:
        async with asyncio.timeout(seconds):
            await capture.packets_from_tshark(
                lambda packet: found.append(_taken(packet, wanted)), packet_count=MOST_PACKETS
            )
    except TimeoutError:
        msg = f"tshark was not through with {path.name} after {seconds:g} s, and was stopped"
        raise DissectError(msg) from None
    except TSharkCrashException:
        msg = f"tshark gave up on {path.name}"
        raise DissectError(msg) from None
    finally:
        for process in started:
            if process.returncode is None:
                _kill(process.pid)
                await process.wait()
    if any(process.returncode for process in started):
        msg = f"tshark gave up on {path.name}"
        raise DissectError(msg)
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _taken(packet: Any, wanted: Sequence[str]) -> Dissected:  # noqa: ANN401  pyshark has no types
    """What is wanted of one packet."""
    fields: dict[str, tuple[str, ...]] = {}
    for layer in (packet.frame_info, *packet.layers):
        prefix = f"{layer.layer_name}."
        for name in wanted:
            if not name.startswith(prefix):
                continue
            field = layer.get_field(name.removeprefix(prefix))
            if field is not None:
                values = [str(each.get_default_value())[:MOST_TEXT] for each in field.all_fields[:MOST_VALUES]]
                fields[name] = (*fields.get(name, ()), *values)[:MOST_VALUES]
    return Dissected(int(packet.number), tuple(str(layer.layer_name) for layer in packet.layers), fields)
