"""deploy/examples: good by ``camwarden check``, and the policy decides what their comments say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.living import ROOT

EXAMPLES = sorted((ROOT / "deploy/examples").glob("*.toml"))
DATA = "/var/lib/camwarden-data"
GIVEN = "/etc/camwarden"
"""Where certificates lie that a site has made for itself."""


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with a bundle installed, as an isolated site has it."""
    from monitor.bundle import installing, signing
    from tests.bundle.test_bundle import ROWS, database, openssl

    directory = tmp_path_factory.mktemp("carried")
    openssl("genpkey", "-algorithm", "ed25519", "-out", directory / "key")
    openssl("pkey", "-in", directory / "key", "-pubout", "-out", directory / "pub")
    (directory / "rows").mkdir()
    (directory / "rows/vendors.toml").write_text(ROWS)
    databases = [database(directory / f"{name}.mmdb", "FR") for name in ("country", "asn")]
    installing.pack(directory / "bundle", directory / "key", databases, directory / "rows", 1_790_000_000)
    installing.install(directory / "bundle", [directory / "pub"], directory / "data")
    assert (directory / "bundle.sig").stat().st_size == signing.SIGNATURE_BYTES
    certificate = ("-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=site", "-days", "1")
    (directory / "etc/broker").mkdir(parents=True)
    openssl("req", *certificate, "-keyout", directory / "etc/broker/client.key", "-out", directory / "etc/ca.pem")
    for copy in ("home-ca.pem", "siem-ca.pem", "broker/ca.pem", "broker/client.pem"):
        shutil.copy(directory / "etc/ca.pem", directory / "etc" / copy)
    return directory / "data"


def check(path: Path, carried: Path, *more: str, bundle: bool = True) -> subprocess.CompletedProcess[str]:
    """``camwarden check`` of an example; what it has installed on its own site is elsewhere here."""
    text = path.read_text().replace(GIVEN + "/", f"{carried.parent}/etc/")
    if bundle:
        text = re.sub(rf'^# (?=\w+ = \["{DATA}/)', "", text, flags=re.MULTILINE).replace(DATA, str(carried))
    here = carried.parent / path.name
    here.write_text(text)
    command = [sys.executable, "-m", "monitor.cli", "check", str(here), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_good_and_explained(path: Path, carried: Path) -> None:
    """Every table has words above it or beside it."""
    done = check(path, carried)
    assert (done.returncode, ": good: " in done.stdout) == (0, True), done.stderr
    text = path.read_text()
    assert text.startswith("# ")
    for block in re.split(r"\n\n", text):
        if re.search(r"^\[", block, re.MULTILINE) and not block.startswith(("[[device]]", "[mqtt]", "[capture]")):
            assert "# " in block or "\n# " in text[: text.index(block)][-200:], block


def test_the_isolated_site_is_good_with_and_without_its_bundle(carried: Path, tmp_path: Path) -> None:
    """As it is shipped nothing need be there; with the lines that are behind a # it must be, by file and key."""
    path = ROOT / "deploy/examples/isolated-site.toml"
    assert check(path, carried, bundle=False).returncode == 0
    assert check(path, carried).returncode == 0
    assert (carried.parent / path.name).read_text().count(f'["{carried}/current/c') == 2
    (tmp_path / "etc").symlink_to(carried.parent / "etc")
    done = check(path, tmp_path / "none")
    said = f"{tmp_path}/{path.name}: sensor.catalogue: catalogue {tmp_path}/none/current/catalogue: No such file"
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr


def test_a_database_that_is_none_is_named_with_its_key(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('[geo]\ndatabases = ["/etc/passwd"]\n')
    command = [sys.executable, "-m", "monitor.cli", "check", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert done.stderr.startswith(f"camwarden: {file}: geo.databases: /etc/passwd: no usable mmdb database")
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    ("name", "device", "there", "allowed", "said"),
    [
        ("small-office", "recorder", "dev.hik-connect.com", True, ""),
        ("small-office", "front-door", "dev.hik-connect.com", False, ""),
        ("small-office", "recorder", "www.example.org", False, ""),
        ("council", "th-gate-01", "10.1.24.9", True, ""),
        ("council", "th-gate-01", "10.0.1.1", False, "core"),
        ("council", "th-custody-03", "198.51.100.14", False, "isolat"),
        ("council", "th-anpr-01", "198.51.100.15", False, ""),
        ("isolated-site", "intake-01", "47.88.59.209", False, "isolat"),
        ("isolated-site", "intake-01", "172.20.0.9", False, "core"),
    ],
)
def test_the_policy_is_what_the_comments_say(
    carried: Path, name: str, device: str, there: str, allowed: bool, said: str
) -> None:
    path = ROOT / f"deploy/examples/{name}.toml"
    done = check(path, carried, "--explain", device, there)
    assert (done.returncode, done.stderr) == (0 if allowed else 1, ""), done.stdout
    assert said in done.stdout


def test_there_are_three() -> None:
    assert [path.stem for path in EXAMPLES] == ["council", "isolated-site", "small-office"]


def test_the_sensor_of_the_compose_file_is_good(carried: Path) -> None:
    """Named as its script is told to name the certificate."""
    path = ROOT / "deploy/compose/camwarden.toml"
    assert check(path, carried).returncode == 0
    assert "./prepare.sh town-hall-1" in path.read_text()
