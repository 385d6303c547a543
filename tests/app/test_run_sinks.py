"""A daemon behind its fence, with a syslog server and an endpoint that come and go: nothing is lost."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

from tests.app.living import Daemon, Site, wait_until
from tests.app.planted import attempt, configured
from tests.sinks.listening import Parsed, unframed

if TYPE_CHECKING:
    from pathlib import Path

CAMERAS = 40


class Hook(http.server.BaseHTTPRequestHandler):
    bodies: list[bytes]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_both_are_told_everything_though_they_come_late(site: Site, tmp_path: Path) -> None:
    """The secret is read behind the fence; health and metrics tell what is owed and why."""
    key = tmp_path / "key"
    key.write_text("secret")
    key.chmod(0o600)
    tables = (
        '[[syslog]]\nname = "soc"\nhost = "127.0.0.1"\nport = 6010\ntransport = "tcp"\n'
        f'[[webhook]]\nname = "soc"\nurl = "http://127.0.0.1:8010/"\nhmac_file = "{key}"\n'
    )
    daemon = Daemon(site, configured(CAMERAS) + tables)
    site.send(*(attempt(number) for number in range(CAMERAS)))
    wait_until(lambda: len(daemon.journal()) >= CAMERAS, "the journal")
    wait_until(lambda: daemon.metric("outbox_depth", 'sink="syslog/soc"') >= CAMERAS, "what is owed")
    assert "refused" in daemon.health()["webhook/soc_error"]
    assert daemon.metric("sink_up", 'sink="webhook/soc"') == 0
    received = bytearray()
    Hook.bodies = []
    with site.space.inside():
        listener = socket.create_server(("127.0.0.1", 6010))
        hook = http.server.HTTPServer(("127.0.0.1", 8010), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    listener.settimeout(70)
    connection, _ = listener.accept()
    connection.settimeout(0.2)

    def told() -> list[str]:
        with contextlib.suppress(TimeoutError):
            received.extend(connection.recv(65536))
        return list(dict.fromkeys(Parsed(each).data["uid"] for each in unframed(bytes(received))))

    journalled = [each["metadata"]["uid"] for each in daemon.journal()]
    wait_until(lambda: told() == journalled, "all in the syslog", 20)
    wait_until(lambda: len(Hook.bodies) >= len(journalled), "all at the endpoint", 70)
    assert list(dict.fromkeys(json.loads(each)["metadata"]["uid"] for each in Hook.bodies)) == journalled
    wait_until(lambda: daemon.metric("outbox_depth") == 0, "nothing is owed any more")
    daemon.stop()
    connection.close()
    listener.close()
    hook.shutdown()
    hook.server_close()
