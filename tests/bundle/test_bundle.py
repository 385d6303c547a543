"""Bundles by the command line: what is signed by somebody who is trusted, whole and newer replaces what is there."""

from __future__ import annotations

import io
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from monitor.bundle import installing, packing, signing
from monitor.config import Config, GeoConfig, SensorConfig
from monitor.explain import show_address

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SOURCE: Final = '[sources]\nours = "Our own list, 2026."\n'
ROWS: Final = (
    SOURCE
    + """
[[vendor]]
key = "acme"
name = "Acme {number}"
jurisdiction = "FR"
source = "ours"
"""
)


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def cli(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "monitor.cli", "data", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT, **options)  # type: ignore[call-overload,no-any-return]


def database(path: Path, code: str) -> Path:
    """8.8.0.0/16 is in this country."""
    writer = MMDBWriter(ip_version=6, database_type="test", languages=["en"], int_type="u32")
    writer.insert_network(IPSet(["::808:0/112"]), {"country": {"iso_code": code}})
    writer.to_db_file(str(path))
    return path


class Office:
    """Where there is a way out: keys, data, and bundles from them."""

    def __init__(self, directory: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        self.directory = directory
        self.site = directory / "site"
        for name in ("ours", "other"):
            openssl("genpkey", "-algorithm", "ed25519", "-out", directory / f"{name}.key")
            openssl("pkey", "-in", directory / f"{name}.key", "-pubout", "-out", directory / f"{name}.pub")
        (directory / "rows").mkdir()

    def packed(self, number: int, code: str, *, key: str = "ours") -> Path:
        """The ``number``-th bundle, made as many seconds after the first."""
        (self.directory / "rows/vendors.toml").write_text(ROWS.format(number=number))
        out = self.directory / f"bundle-{number}"
        countries = database(self.directory / "country.mmdb", code)
        installing.pack(
            out, self.directory / f"{key}.key", [countries], self.directory / "rows", 1_790_000_000 + number
        )
        return out

    def install(self, bundle: Path, *more: str) -> subprocess.CompletedProcess[str]:
        return cli("install", bundle, "--key", self.directory / "ours.pub", "--into", self.site, *more)

    def country(self) -> str:
        """Where 8.8.8.8 is by what is current, as a configuration names it."""
        current = self.site / "current"
        geo = GeoConfig(databases=(str(current / "country.mmdb"),))
        words = show_address(Config(sensor=SensorConfig(catalogue=(str(current / "catalogue"),)), geo=geo), "8.8.8.8")
        return words.split("address in ")[1][:2]

    def whole(self) -> None:
        """One current folder and at most the one before it; nothing half done."""
        names = {path.name for path in self.site.iterdir()} - {"current", ".lock"}
        assert str((self.site / "current").readlink()) in names
        assert len(names) <= 2
        assert not [name for name in names if name.startswith(".new-")]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_newer_bundle_takes_the_place_of_the_one_before(office: Office) -> None:
    """Three in a row: the newest is current and asked first, one is kept beside it; what is there can be said."""
    for number, code in enumerate(("FR", "DE", "NL")):
        done = office.install(office.packed(number, code))
        assert (done.returncode, done.stderr) == (0, "")
        assert "country.mmdb" in done.stdout
        assert office.country() == code
        office.whole()
    shown = cli("show", office.site)
    assert (shown.returncode, shown.stdout.count("\n")) == (0, 3)
    assert cli("show", office.directory).returncode == 1


def test_openssl_alone_says_the_same(office: Office) -> None:
    """The signature is of the file, in no format of our own."""
    bundle = office.packed(1, "FR")
    check = ["pkeyutl", "-verify", "-rawin", "-pubin", "-in", bundle, "-sigfile", f"{bundle}.sig"]
    openssl(*check, "-inkey", office.directory / "ours.pub")
    with pytest.raises(subprocess.CalledProcessError):
        openssl(*check, "-inkey", office.directory / "other.pub")


def test_an_older_one_is_refused_unless_it_is_wanted(office: Office) -> None:
    """What somebody recorded last year cannot be played again."""
    old, new = office.packed(1, "FR"), office.packed(2, "DE")
    assert office.install(new).returncode == 0
    done = office.install(old)
    assert (done.returncode, office.country()) == (1, "DE")
    assert "older than what is there" in done.stderr
    assert office.install(new).returncode == 0
    assert office.install(old, "--older").returncode == 0
    assert office.country() == "FR"
    office.whole()


def flipped(at: float) -> Callable[[Path], None]:
    def flip(bundle: Path) -> None:
        content = bytearray(bundle.read_bytes())
        content[int(at * (len(content) - 1))] ^= 1
        bundle.write_bytes(content)

    return flip


def cut(share: float) -> Callable[[Path], None]:
    return lambda bundle: bundle.write_bytes(bundle.read_bytes()[: int(share * bundle.stat().st_size)]) and None


def signature(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def mend(bundle: Path) -> None:
        path = bundle.with_name(bundle.name + ".sig")
        path.write_bytes(change(path.read_bytes()))

    return mend


@pytest.mark.parametrize(
    "damage",
    [
        *(pytest.param(flipped(at), id=f"a bit at {at}") for at in (0, 0.001, 0.1, 0.5, 0.9, 1)),
        *(pytest.param(cut(share), id=f"cut at {share}") for share in (0, 0.3, 0.99)),
        pytest.param(lambda bundle: bundle.write_bytes(bundle.read_bytes() + b"\0") and None, id="a byte more"),
        pytest.param(signature(lambda old: old[:-1] + bytes([old[-1] ^ 1])), id="another signature"),
        pytest.param(signature(lambda old: old[:-1]), id="half a signature"),
        pytest.param(signature(lambda old: b""), id="no signature"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(office: Office, damage: Callable[[Path], None]) -> None:
    """Exit 1 and a line; what was current still is."""
    assert office.install(office.packed(1, "FR")).returncode == 0
    bundle = office.packed(2, "DE")
    damage(bundle)
    done = office.install(bundle)
    assert (done.returncode, done.stderr.count("\n"), office.country()) == (1, 1, "FR"), done.stderr
    office.whole()


def test_what_a_stranger_signed_is_refused(office: Office) -> None:
    done = office.install(office.packed(1, "FR", key="other"))
    assert done.returncode == 1
    assert "not by a key that is trusted" in done.stderr
    assert not (office.site / "current").exists()
    both = ["--key", str(office.directory / "other.pub")]
    assert office.install(office.directory / "bundle-1", *both).returncode == 0, "of several keys one is enough"


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"../../etc/passwd": b"x"}, "has no place"),
        ({"catalogue/../x.toml": b""}, "has no place"),
        ({"/etc/x.mmdb": b""}, "has no place"),
        ({"catalogue/x.toml": b"key = "}, "x.toml"),
        ({"country.mmdb": b"no database"}, "country.mmdb: no usable mmdb"),
    ],
)
def test_a_signature_makes_nothing_sound(office: Office, members: dict[str, bytes], said: str) -> None:
    """A bundle that is signed and leads out of its folder, or cannot be read by those who are to read it."""
    assert office.install(office.packed(1, "FR")).returncode == 0
    bundle = office.directory / "made"
    content = packing.packed(members, 1_790_000_009)
    bundle.write_bytes(content)
    bundle.with_name("made.sig").write_bytes(signing.sign(content, office.directory / "ours.key"))
    done = office.install(bundle)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert office.country() == "FR"
    office.whole()
    assert not (office.directory / "etc").exists()


def test_links_and_files_beside_the_manifest_are_refused(office: Office) -> None:
    """What tar can carry beside files, and what nobody announced."""
    good = packing.packed({"catalogue/x.toml": SOURCE.encode()}, 1)
    for kind, name in ((tarfile.SYMTYPE, "catalogue/y.toml"), (tarfile.REGTYPE, "catalogue/y.toml")):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive, tarfile.open(fileobj=io.BytesIO(good)) as whole:
            for member in whole:
                archive.addfile(member, whole.extractfile(member))
            more = tarfile.TarInfo(name)
            more.type, more.linkname = kind, "/etc/passwd"
            archive.addfile(more)
        with pytest.raises(signing.RefusedError):
            packing.unpacked(stream.getvalue())
    assert packing.unpacked(good).contents.keys() == {"catalogue/x.toml"}


def test_a_full_disk_leaves_the_old_one(office: Office) -> None:
    """No room for the new files: a line, exit 2, nothing half done; with room again it works."""
    assert office.install(office.packed(1, "FR")).returncode == 0
    bundle = office.packed(2, "DE")

    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))

    command = ["install", bundle, "--key", office.directory / "ours.pub", "--into", office.site]
    done = cli(*command, preexec_fn=no_room)
    assert (done.returncode, done.stderr.count("\n"), office.country()) == (2, 1, "FR"), done.stderr
    office.whole()
    assert office.install(bundle).returncode == 0
    assert office.country() == "DE"


def test_killed_at_any_moment_there_is_a_whole_one(office: Office) -> None:
    """Killed again and again while it installs by turns: what is current is always one of the two, and can be asked."""
    one, two = office.packed(1, "FR"), office.packed(2, "DE")
    assert office.install(one).returncode == 0
    command = [sys.executable, "-m", "monitor.cli", "data", "install", "--older", "--into", str(office.site)]
    command += ["--key", str(office.directory / "ours.pub")]
    began = time.monotonic()
    subprocess.run([*command, str(two)], check=True, capture_output=True, cwd=ROOT)
    whole_s = time.monotonic() - began
    for step in range(12):
        bundle = one if step % 2 else two
        process = subprocess.Popen([*command, str(bundle)], cwd=ROOT, stdout=subprocess.DEVNULL)
        time.sleep(whole_s * (0.5 + 0.05 * step))
        process.kill()
        process.wait()
        assert office.country() in ("FR", "DE")
    assert office.install(two).returncode == 0
    office.whole()


def test_whatever_a_killed_one_left_is_cleared_away(office: Office) -> None:
    """The link that was to become the current one, too."""
    assert office.install(office.packed(1, "FR")).returncode == 0
    (office.site / ".new-link").symlink_to("somewhere")
    (office.site / ".new-folder").mkdir()
    assert office.install(office.packed(2, "DE")).returncode == 0
    assert office.country() == "DE"
    assert not list(office.site.glob(".new-*"))


def test_one_installation_at_a_time(office: Office) -> None:
    bundle = office.packed(1, "FR")
    office.site.mkdir()
    with installing._alone(office.site):
        done = office.install(bundle)
    assert done.returncode == 2
    assert "another installation" in done.stderr


def test_what_would_not_install_is_not_packed(office: Office, tmp_path: Path) -> None:
    """And keys or names of another kind are named."""
    (tmp_path / "rows/vendors.toml").write_text("[[vendor]]\nkey = 1\n")
    key = tmp_path / "ours.key"
    done = cli("pack", "--catalogue", tmp_path / "rows", "--key", key, "-o", tmp_path / "out")
    assert (done.returncode, (tmp_path / "out").exists()) == (2, False)
    openssl("genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", tmp_path / "ec.key")
    (tmp_path / "Country.mmdb").write_bytes(b"")
    (tmp_path / "rows/vendors.toml").write_text(ROWS)
    for arguments, said in (
        (["--catalogue", tmp_path / "rows", "--key", tmp_path / "ec.key"], "not an Ed25519 key"),
        (["--catalogue", tmp_path / "rows", "--key", tmp_path / "none.key"], "No such file"),
        (["--database", tmp_path / "Country.mmdb", "--key", key], "small letters"),
        (["--key", key], "nothing to pack"),
    ):
        done = cli("pack", *arguments, "-o", tmp_path / "out")
        assert (done.returncode, said in done.stderr, (tmp_path / "out").exists()) == (2, True, False), done.stderr
    assert cli("pack", "--catalogue", tmp_path / "rows", "--key", key, "-o", tmp_path / "out").returncode == 0
