"""Bad input on the command line: one line that says what and where, the exit of the contract, never a traceback.

Inputs are made here, so this always runs. Exit 0: done; 1: the answer is no (check); 2: bad usage or input.
What only a process has (modes, pipes, full disks, standard input) is tried with one; the many wordings are tried in
this process, and with one each among the slow tests.
"""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from typer.testing import CliRunner

from monitor.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD: Final = Path(__file__).parents[2] / "pcaps" / "irish_vendor_cloud.pcap"
CAMWARDEN: Final = (sys.executable, "-m", "monitor.cli")
ENVIRONMENT: Final = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
HEADER: Final = 24
"""Octets of a pcap file header."""


@dataclass(frozen=True, slots=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str | Path, stdin: bytes = b"", before: tuple[str, ...] = ()) -> Done:
    """A process of its own."""
    command = [*before, *CAMWARDEN, *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60, env=ENVIRONMENT)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def run_here(*arguments: str | Path) -> Done:
    """The same entry in this process. What it raises is raised."""
    result = CliRunner().invoke(app, list(map(str, arguments)), prog_name="camwarden")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(params=["here", pytest.param("process", marks=pytest.mark.slow)])
def camwarden(request: pytest.FixtureRequest) -> Callable[..., Done]:
    """The command line."""
    return run_here if request.param == "here" else run


def refused(done: Done, says: str, code: int = 2) -> None:
    """Nothing on stdout, one line on stderr with these words in it."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("camwarden: ")
    assert says in done.stderr


def pcap(link_type: int, *frames: bytes) -> bytes:
    records = (struct.pack("<IIII", 1_700_000_000, 0, len(each), len(each)) + each for each in frames)
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type) + b"".join(records)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[site]\nhom = ["GB"]', "site.hom: unknown key (did you mean home?)"),
        ('[sit]\nhome = ["GB"]', "sit: unknown key (did you mean site?)"),
        ('[site]\nhome = "GB"', "site.home: expected `array`"),
        ('[site]\nhome = ["GBR"]', "site.home: 'GBR'"),
        ('[limits]\nflows = "many"', "limits.flows: expected `int`"),
        ("[limits]\nflows = 3", "limits.flows"),
        ('[site]\nnetworks = ["10.0.0.1/8"]', "site.networks: 10.0.0.1/8 has host bits set"),
        ('[site]\ncore_networks = ["nonsense"]', "site.core_networks: 'nonsense'"),
        ('[[device]]\nname = "gate"\nip = "999.1.1.1"', "device gate: '999.1.1.1'"),
        ('[[device]]\nname = "gate"\nmac = "zz"', "device gate: 'zz' is no MAC address"),
        ('[[device]]\nname = "gate"\nip = "10.0.0.1"\ngroup = "yard"', "device gate: group 'yard' is not defined"),
        ('[[device]]\nname = "gate"', "device gate: needs ip or mac"),
        ("site = [", "not TOML"),
        ("[group]\nname = 1", "group: expected `array`"),
    ],
)
def test_configuration(text: str, says: str, tmp_path: Path, camwarden: Callable[..., Done]) -> None:
    """The file, the key with its path and the nearest known one, for every verb that reads a configuration."""
    file = tmp_path / "camwarden.toml"
    file.write_text(text)
    refused(camwarden("replay", "--config", file, GOOD), f"{file}: {says}")
    refused(camwarden("check", file), f"{file}: {says}", code=1)


def test_configuration_that_cannot_be_read(tmp_path: Path, camwarden: Callable[..., Done]) -> None:
    """Missing, a directory, not text."""
    file = tmp_path / "camwarden.toml"
    file.write_bytes(b"\xff\xfe")
    refused(camwarden("observe", "--config", file, GOOD), f"{file}: not UTF-8")
    refused(camwarden("observe", "--config", tmp_path, GOOD), f"{tmp_path}: Is a directory")
    refused(camwarden("observe", "--config", tmp_path / "none", GOOD), f"{tmp_path / 'none'}: No such file")


RULE = '[[group]]\nname = "yard"\nallow = ["bogus rule!!"]'


def test_rule_that_cannot_be_read(tmp_path: Path, camwarden: Callable[..., Done]) -> None:
    """``check`` names file, group and rule."""
    file = tmp_path / "camwarden.toml"
    file.write_text(RULE)
    refused(camwarden("check", file), f"{file}: group yard: allow: ", code=1)


def test_rule_that_cannot_be_read_by_replay(tmp_path: Path, camwarden: Callable[..., Done]) -> None:
    """So does ``replay``."""
    file = tmp_path / "camwarden.toml"
    file.write_text(RULE)
    refused(camwarden("replay", "--config", file, GOOD), f"{file}: group yard: allow: ")


def test_one_address_for_two_devices(tmp_path: Path, camwarden: Callable[..., Done]) -> None:
    """Which of the two would be blamed is nobody's guess."""
    file = tmp_path / "camwarden.toml"
    file.write_text('[[device]]\nname = "a"\nip = "10.0.0.1"\n[[device]]\nname = "b"\nip = "10.0.0.1"')
    refused(camwarden("check", file), "10.0.0.1", code=1)


@pytest.mark.parametrize(
    ("content", "says"), [(None, "no such file"), (b"", "no usable mmdb"), (bytes(5000), "no usable mmdb")]
)
@pytest.mark.parametrize("verb", ["replay", "observe"])
def test_address_database(
    verb: str, content: bytes | None, says: str, tmp_path: Path, camwarden: Callable[..., Done]
) -> None:
    """Missing, empty, corrupt: the database is named."""
    database, file = tmp_path / "country.mmdb", tmp_path / "camwarden.toml"
    if content is not None:
        database.write_bytes(content)
    file.write_text(f'[geo]\ndatabases = ["{database}"]')
    refused(camwarden(verb, "--config", file, GOOD), f"{database}: {says}")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"not a capture at all", "neither pcap nor pcapng"),
        (pcap(189, b"abcd"), "link type 189 is not supported"),
        (b"\x0a\x0d\x0d\x0a" + b"\xff" * 40, "byte-order magic"),
        (b"\x1f\x8b\x08" + bytes(40), "gzip data is damaged"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "zstd data is damaged"),
    ],
    ids=["empty", "text", "link type", "pcapng", "gzip", "zstd"],
)
def test_capture_that_cannot_be_read(content: bytes, says: str, tmp_path: Path, camwarden: Callable[..., Done]) -> None:
    """One warning with file, reason and offset; nothing is printed as if it were a result."""
    file = tmp_path / "bad.pcap"
    file.write_bytes(content)
    refused(camwarden("observe", file), f"{file}: {says}")


@pytest.mark.parametrize("name", ["nowhere.pcap", "."])
def test_capture_that_is_none(name: str, tmp_path: Path, camwarden: Callable[..., Done]) -> None:
    """Missing, or a directory."""
    refused(camwarden("observe", tmp_path / name), f"{tmp_path / name}: ")


def test_replay_of_what_cannot_be_read_acquits_nobody(tmp_path: Path, camwarden: Callable[..., Done]) -> None:
    """Nothing was seen, so nothing is said about what devices did."""
    refused(camwarden("replay", tmp_path / "nowhere.pcap"), "nowhere.pcap: No such file")


def test_no_permission(tmp_path: Path) -> None:
    """A capture that may not be read; root is made to obey the file's mode."""
    file = tmp_path / "secret.pcap"
    shutil.copy(GOOD, file)
    file.chmod(0)
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not installed")
        before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    refused(run("observe", file, before=before), f"{file}: Permission denied")


@pytest.mark.parametrize("verb", ["observe", "replay"])
def test_damaged_capture_yields_what_could_be_read(verb: str, tmp_path: Path, camwarden: Callable[..., Done]) -> None:
    """Cut within a record: results, a warning with the offset, exit 2."""
    file = tmp_path / "cut.pcap"
    file.write_bytes(GOOD.read_bytes()[:-7])
    done = camwarden(verb, file)
    assert done.returncode == 2
    assert done.stdout.count("\n") > 5
    assert done.stderr.startswith(f"camwarden: warning: {file}: cut short in the middle of a record (at byte ")
    assert done.stderr.count("\n") == 1


def test_one_bad_capture_among_good_ones(tmp_path: Path) -> None:
    """The good ones are told whole."""
    alone = run_here("observe", GOOD)
    done = run_here("observe", GOOD, tmp_path / "nowhere.pcap")
    assert (done.returncode, done.stdout) == (2, alone.stdout)
    assert done.stderr.count("\n") == 1


def test_file_names_are_harmless(tmp_path: Path) -> None:
    """A name with a line break and a terminal's escape sequence is told in one line of printable characters."""
    file = tmp_path / "a\nb\x1b[31m.pcap"
    file.write_bytes(b"x")
    done = run_here("observe", file)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("replay", "--home", "XX1"), "--home: 'XX1'"),
        (("replay", "--home", "G"), "--home: 'G'"),
        (("replay", "--home", ""), "--home"),
        (("replay", "--cameras", "nonsense"), "--cameras: 'nonsense'"),
        (("replay", "--cameras", "10.0.0.1/8"), "--cameras: 10.0.0.1/8 has host bits set"),
        (("replay", "--cameras", ""), "--cameras"),
        (("observe", "--kind", "nonsense"), "--kind nonsense: no such kind"),
        (("replay", "--state", "/proc/nowhere"), "/proc/nowhere"),
        (("replay", "--state", str(GOOD)), str(GOOD)),
    ],
)
def test_options(arguments: tuple[str, ...], says: str, camwarden: Callable[..., Done]) -> None:
    """The option and its value."""
    refused(camwarden(*arguments, GOOD), says)


@pytest.mark.parametrize(
    "arguments", [(), ("replay",), ("nonsense",), ("replay", "--nonsense", "x"), ("replay", "--format", "xml", "x")]
)
def test_usage(arguments: tuple[str, ...], camwarden: Callable[..., Done]) -> None:
    """Bad usage is exit 2, on stderr, without a traceback."""
    done = camwarden(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("address", ["nonsense", "8.8.8", ""])
def test_geo_show(address: str, camwarden: Callable[..., Done]) -> None:
    """What is no address is named."""
    refused(camwarden("geo", "show", address), repr(address))


def test_standard_input() -> None:
    """``-`` reads a pipe, compressed too; a cut pipe yields what came, and exit 2."""
    wanted = run_here("observe", GOOD).stdout
    data = GOOD.read_bytes()
    assert run("observe", "-", stdin=gzip.compress(data)) == Done(0, wanted, "")
    cut = run("observe", "-", stdin=data[:3000])
    assert cut.returncode == 2
    assert wanted.startswith(cut.stdout.partition("\n")[0])
    assert cut.stderr.startswith("camwarden: warning: standard input: cut short in the middle of a record")


def piped(*arguments: str | Path) -> tuple[int, str]:
    """Exit and stderr when the reader goes after one line."""
    with subprocess.Popen(
        [*CAMWARDEN, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read().decode()
        return process.wait(timeout=60), told


@pytest.fixture(scope="module")
def long_capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More observations than a pipe holds: one ARP request a millisecond from ever new hosts."""
    frames = []
    for host in range(3000):
        sender = b"\x44\x19\xb6\x00" + host.to_bytes(2) + b"\x0a\x01" + host.to_bytes(2)
        arp = b"\0\1\x08\0\6\4\0\1" + sender + bytes(6) + b"\x0a\x01\xff\xfe"
        frames.append(b"\xff" * 6 + sender[:6] + b"\x08\x06" + arp)
    file = tmp_path_factory.mktemp("long") / "long.pcap"
    file.write_bytes(pcap(1, *frames))
    return file


@pytest.mark.parametrize("arguments", [("observe",), ("replay", "--format", "jsonl")])
def test_broken_pipe(arguments: tuple[str, ...], long_capture: Path) -> None:
    """``| head -1`` ends it in silence, exit 0."""
    assert piped(*arguments, long_capture if arguments == ("observe",) else GOOD) == (0, "")


def test_broken_pipe_of_the_table() -> None:
    """So does the output for people."""
    code = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | true', "-", *CAMWARDEN, "replay", str(GOOD)],
        capture_output=True, check=False, timeout=60, env=ENVIRONMENT,
    )  # fmt: skip
    assert (code.returncode, code.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    [
        ("observe",),
        pytest.param(("replay",), marks=pytest.mark.slow),
        pytest.param(("replay", "--format", "jsonl"), marks=pytest.mark.slow),
    ],
)
def test_full_disk(arguments: tuple[str, ...]) -> None:
    """Output that cannot be written is one line and exit 2."""
    with Path("/dev/full").open("wb") as full:
        command = [*CAMWARDEN, *arguments, str(GOOD)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60, env=ENVIRONMENT)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_header_without_packets_is_no_damage(tmp_path: Path) -> None:
    """A capture in which nothing happened is a good capture."""
    file = tmp_path / "quiet.pcap"
    file.write_bytes(pcap(1)[:HEADER])
    assert run_here("observe", file) == Done(0, "", "")
