"""Notify: telling systemd how we are, by sd_notify(3) over $NOTIFY_SOCKET; without that, nothing happens."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS_BYTES: Final = 1024
"""Of one status text; systemd takes 4096 bytes a message (NOTIFY_BUFFER_MAX)."""
MICROSECONDS: Final = 1_000_000


class NotifyError(Exception):
    """The environment names a socket, or an interval, that cannot be used. One line."""


class Notifier:
    """Messages to the service manager. They are never waited for: one that finds no room is counted and lost."""

    def __init__(self, address: str | None = None, *, watchdog_s: float | None = None) -> None:
        """``address``: a path, or an abstract name after "@"; None says everything to nobody."""
        if address is not None and not address.startswith(("/", "@")):
            msg = f"NOTIFY_SOCKET: {address!r} is neither a path nor an abstract name"
            raise NotifyError(msg)
        self.watchdog_s = watchdog_s
        """The manager restarts us if ``alive`` is not said within so many seconds; None: it does not watch."""
        self.lost = 0
        """Messages that could not be handed over."""
        self._address: str | None = None
        self._socket: socket.socket | None = None
        if address is not None:
            self._address = "\0" + address[1:] if address.startswith("@") else address
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    @classmethod
    def of(cls, environment: Mapping[str, str], pid: int) -> Self:
        """What systemd put into the environment of the process ``pid``. NotifyError if that cannot be used."""
        watched = environment.get("WATCHDOG_USEC")
        if watched is not None and environment.get("WATCHDOG_PID", str(pid)) != str(pid):
            watched = None  # meant for whoever started us
        if watched is not None and not (watched.isascii() and watched.isdigit() and int(watched)):
            msg = f"WATCHDOG_USEC: {watched!r} is no time in microseconds"
            raise NotifyError(msg)
        return cls(
            environment.get("NOTIFY_SOCKET") or None,
            watchdog_s=int(watched) / MICROSECONDS if watched is not None else None,
        )

    def ready(self, status: str = "") -> None:
        """Everything runs: after the start, and again after ``reloading``."""
        self._send("READY=1", status)

    def reloading(self, status: str = "") -> None:
        """The configuration is read again; ``ready`` ends it, also where the old one stays."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}", status)

    def stopping(self, status: str = "") -> None:
        """What is owed is still handed over."""
        self._send("STOPPING=1", status)

    def alive(self) -> None:
        """The read loop goes round; silent where nobody watches."""
        if self.watchdog_s is not None:
            self._send("WATCHDOG=1", "")

    def close(self) -> None:
        """Let go of the socket; what is said from now on is said to nobody. Closing twice is allowed."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, state: str, status: str) -> None:
        if self._socket is None or self._address is None:
            return
        lines = [state] if state else []
        if status:
            shown = "".join(each if each.isprintable() else " " for each in status)
            lines.append("STATUS=" + shown.encode()[:STATUS_BYTES].decode("utf-8", "ignore"))
        try:
            # To the name each time, not over a connection: a manager that executed itself anew listens there again.
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            self.lost += 1
