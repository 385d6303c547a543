"""``camwarden poll`` as a process, and the daemon's polls, of a simulated camera."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.app.living import Daemon, wait_until
from tests.builds import REPOSITORY
from tests.cameras.isapi import hikvision, hikvision_life
from tests.cameras.life import Firmware

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.app.living import Site
    from tests.cameras.life import Life

NEW = Firmware("8.1.0", "250101")


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def configuration(folder: Path, port: int, life: Life, more: str = "") -> Path:
    """One device that is asked."""
    secret = folder / "password"
    secret.write_text(f"{life.password}\n")
    secret.chmod(0o600)
    path = folder / "poll.toml"
    path.write_text(
        f'[sensor]\nname = "here"\nstate = "{folder / "state"}"\n'
        f'[[device]]\nname = "hall"\nip = "10.20.0.12"\n{device(port, secret, more)}'
    )
    return path


def device(port: int, secret: Path, more: str = "") -> str:
    return (
        f'[[device]]\nname = "gate"\nip = "127.0.0.1"\n[device.poll]\napi = "isapi"\nport = {port}\n'
        f'allow_special = "127.0.0.1"\nuser = "admin"\npassword_file = "{secret}"\n{more}'
    )


async def polled(config: Path, *arguments: str) -> Ran:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "monitor.cli", "poll", "--config", str(config), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=REPOSITORY, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


async def test_polls_one_after_the_other(tmp_path: Path) -> None:
    """The first shows what there is, the next that nothing changed, the one behind an update what the device gained."""
    life = hikvision_life()
    runs = []
    async with hikvision(life) as camera:
        config = configuration(tmp_path, camera.port, life)
        runs.append(first := await polled(config))
        assert first.code == 0
        assert first.err == ""
        assert first.out.startswith("gate: 9 answered, 12 unsupported\n")
        assert "  firmware V5.5.53 build 180730\n" in first.out
        assert "  face.recognise is absent\n" in first.out
        for _ in range(2):
            runs.append(same := await polled(config, "gate"))
            assert same == (0, "gate: 9 answered, 12 unsupported\n  nothing changed\n", "")
        life.update(NEW, gains={"face.recognise"})
        runs.append(after := await polled(config))
        assert after.code == 0
        assert "  firmware V8.1.0 build 250101, before V5.5.53 build 180730\n" in after.out
        assert "  face.recognise is dormant, before absent\n" in after.out
        assert "firmware_update: Firmware of gate was changed (certain)" in after.out
        assert "capability_gained: Device gate can do more since its update" in after.out
        runs.append(same := await polled(config))
        assert "nothing changed" in same.out
        life.switch_on("cloud.vendor")
        runs.append(await polled(config))
        assert "cloud.vendor is ready, before dormant" in runs[-1].out
    runs.append(gone := await polled(config))
    assert gone.code == 1
    assert gone.out.startswith("gate: 3 failed\n  nothing changed\n")
    assert "gate: System/deviceInfo: failed: " in gone.err
    assert not [run for run in runs if life.password in run.out + run.err or "Traceback" in run.err]
    written = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if life.password.encode() in path.read_bytes()]


async def test_a_wrong_password_is_said_and_ends_the_poll(tmp_path: Path) -> None:
    """Exit 1, one line on why, and no more than one log-in."""
    life = hikvision_life()
    async with hikvision(life) as camera:
        config = configuration(tmp_path, camera.port, life)
        (tmp_path / "password").write_text("not this one\n")
        ran = await polled(config)
        assert sum(asked.credentials == "wrong" for asked in camera.asked) == 1
    assert ran.code == 1
    assert "gate: System/deviceInfo: refused: " in ran.err
    assert "not this one" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("name", "said"),
    [("hall", "device hall: not in the configuration, or without poll"), ("nobody", "device nobody: ")],
)
async def test_who_cannot_be_asked(name: str, said: str, tmp_path: Path) -> None:
    """One line, no traceback."""
    ran = await polled(configuration(tmp_path, 1, hikvision_life()), name)
    assert ran.code != 0
    assert said in ran.err
    assert ran.err.count("\n") == 1


async def test_loopback_is_asked_only_if_it_is_named(tmp_path: Path) -> None:
    config = configuration(tmp_path, 1, hikvision_life())
    config.write_text(config.read_text().replace('allow_special = "127.0.0.1"\n', ""))
    ran = await polled(config)
    assert ran.code != 0
    assert "allow_special" in ran.err
    assert "Traceback" not in ran.err


@contextmanager
def camera_inside(site: Site, life: Life) -> Iterator[int]:
    """A camera on the namespace's loopback, in a thread of its own; its port."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    port, over = 0, asyncio.Event()

    async def live() -> None:
        nonlocal port
        async with hikvision(life) as camera:
            port = camera.port
            ready.set()
            await over.wait()

    def begin() -> None:
        with site.space.inside():
            loop.run_until_complete(live())

    thread = threading.Thread(target=begin)
    thread.start()
    try:
        assert ready.wait(10)
        yield port
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


@pytest.mark.slow
def test_the_daemon_tells_what_a_polled_device_gained(site: Site, tmp_path: Path) -> None:
    """Asked once a minute: what it can do since its update arrives at a subscriber."""
    life = hikvision_life()
    secret = tmp_path / "secret"
    secret.write_text(life.password)
    secret.chmod(0o600)
    with camera_inside(site, life) as port:
        daemon = Daemon(site, device(port, secret, "every_minutes = 1\n"))
        wait_until(lambda: daemon.health()["polls_answered"] + daemon.health()["polls_unsupported"] == 21, "a poll", 90)
        assert not site.told("capability_gained")
        life.update(NEW, gains={"face.recognise"})
        wait_until(lambda: site.told("capability_gained"), "the second poll", 90)
        wait_until(lambda: site.told("firmware_update"), "the update", 10)
        daemon.stop()
    (update, *_), gained = site.told("firmware_update"), site.told("capability_gained")
    assert "from V5.5.53 build 180730 to V8.1.0 build 250101" in update["message"]
    assert "recognises faces" in gained[-1]["message"]
    log = daemon.log.read_text()
    assert life.password not in log
    assert life.password not in site.messages.read_text()
