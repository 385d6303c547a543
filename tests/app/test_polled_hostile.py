"""Hostile devices, from the socket to the ledger: a poll of each leads nowhere else, ends in time, and costs little."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.app.exposed import LIMITS, USER
from tests.builds import REPOSITORY
from tests.cameras.hostile import NAMES, documents, listening, table, witnessing

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "correct horse battery staple"
MEMORY = 32 << 20
"""Octets over base (reliability, T15 and T16)."""
SLACK_S = 0.3
"""What a busy machine may add to a deadline."""


@pytest.mark.parametrize(
    "api", ["isapi", *(pytest.param(api, marks=pytest.mark.slow) for api in ("onvif", "dahua", "vapix"))]
)
async def test_polls_of_hostile_devices(api: str, tmp_path: Path) -> None:
    """0 connections off target, each over within its deadline, at most 32 MiB, no reusable credential anywhere."""
    assert len(NAMES) - len(documents()) >= 30
    assert len(documents()) >= 12
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.app.exposed", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    answered = 0
    try:
        async with listening(witnessing) as witness:
            for name, handler in table(witness.address).items():
                async with listening(handler) as enemy:
                    port = int(enemy.address.rpartition(":")[2])
                    child.stdin.write(json.dumps([name, api, port, str(secret)]).encode() + b"\n")
                    told = json.loads(await asyncio.wait_for(child.stdout.readline(), 20))
                assert told["name"] == name
                assert told["seen"] == [str(("127.0.0.1", port))], name
                assert told["took"] <= LIMITS.poll_s + SLACK_S, told
                assert told["peak"] <= MEMORY, told
                assert told["faults"] == 0, told
                assert told["outcomes"], name
                answered += told["outcomes"].get("answered", 0)
                heard = bytes(enemy.heard)
                assert PASSWORD.encode() not in heard, name
                assert base64.b64encode(f"{USER}:{PASSWORD}".encode()) not in heard, name
                assert b"authorization: basic" not in heard.lower(), name
            assert (witness.connections, bytes(witness.heard)) == (0, b"")
        assert answered, "nothing came as far as the parsers"
        assert told["malformed"] > 0
    finally:
        child.stdin.close()
        assert await child.wait() == 0
