"""Address databases: what they say, in which order they are asked, and what happens when they are broken."""

from __future__ import annotations

import csv
import hashlib
import os
import random
import subprocess
import sys
import time
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped,unused-ignore]

from monitor.enrich.data import build
from monitor.enrich.data.unpacking import NAMES, default_cache, unpacked
from monitor.enrich.geo import REMEMBERED, Geo, GeoError, innermost, is_global
from monitor.model.address import Address, pack
from monitor.model.verdicts import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
CAPTURES = Path(os.environ.get("CAMWARDEN_CAPTURES", REPOSITORY.parent / "shared" / "captures"))
NOWHERE = Place()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def geo(cache: Path) -> Iterator[Geo]:
    opened = Geo.open(cache=cache)
    yield opened
    opened.close()


def database(path: Path, records: dict[str, Any], ip_version: int = 6) -> Path:
    """A user's database with these networks."""
    writer = MMDBWriter(ip_version, "Test", languages=["en"], description="test", ipv4_compatible=ip_version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize(
    ("address", "network", "holder"),
    [
        ("8.8.8.8", 15169, "Google"),
        ("1.1.1.1", 13335, "Cloudflare"),
        ("9.9.9.9", 19281, "Quad9"),
        ("208.67.222.222", 36692, "OpenDNS"),
        ("47.88.59.209", 45102, "Alibaba"),
        ("119.45.114.92", 45090, "Tencent"),
        ("162.62.63.154", 132203, "Tencent"),
        ("180.76.76.76", 55967, "Baidu"),
        ("77.88.8.8", 13238, "YANDEX"),
        ("52.16.0.1", 16509, "Amazon"),
        ("50.19.254.134", 14618, "Amazon"),
        ("20.190.128.1", 8075, "Microsoft"),
        ("88.198.0.1", 24940, "Hetzner"),
        ("51.91.0.1", 16276, "OVH"),
        ("157.240.1.35", 32934, "Facebook"),
        ("17.253.144.10", 714, "Apple"),
        ("195.60.68.120", 39731, "Axis"),
        ("18.9.22.69", 3, "Massachusetts"),
        ("193.0.6.139", 3333, "RIPE NCC"),
        ("192.36.148.17", 29216, "Netnod"),
        ("202.12.27.33", 7500, "WIDE"),
        ("168.126.63.1", 4766, "Korea Telecom"),
        ("168.95.1.1", 3462, "Chunghwa"),
        ("2001:4860:4860::8888", 15169, "Google"),
        ("2606:4700:4700::1111", 13335, "Cloudflare"),
        ("2a05:d018::1", 16509, "Amazon"),
        ("2408:4000::1", 37963, "Alibaba"),
    ],
)
def test_networks_of_known_addresses(geo: Geo, address: str, network: int, holder: str) -> None:
    """The embedded ASN data knows the networks of addresses whose owner is public knowledge."""
    place = geo.place(pack(address))
    assert place.network == network
    assert place.organisation is not None
    assert holder in place.organisation


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("8.8.8.8", "US"),
        ("18.9.22.69", "US"),  # MIT
        ("131.111.150.25", "GB"),  # University of Cambridge
        ("130.149.7.201", "DE"),  # TU Berlin
        ("88.198.0.1", "DE"),
        ("51.91.0.1", "FR"),
        ("193.0.6.139", "NL"),  # RIPE NCC
        ("192.36.148.17", "SE"),  # Netnod
        ("195.60.68.120", "SE"),
        ("185.70.40.1", "CH"),  # Proton
        ("52.16.0.1", "IE"),  # Amazon eu-west-1
        ("34.240.0.1", "IE"),
        ("77.88.8.8", "RU"),
        ("133.11.0.1", "JP"),  # University of Tokyo
        ("202.12.27.33", "JP"),
        ("168.126.63.1", "KR"),
        ("168.95.1.1", "TW"),
        ("223.5.5.5", "CN"),
        ("180.76.76.76", "CN"),
        ("200.160.2.3", "BR"),  # NIC.br
        ("202.12.29.13", "AU"),  # APNIC
        ("196.216.2.1", "ZA"),  # AFRINIC
        ("2a05:d018::1", "IE"),
        ("2001:67c:2e8:22::c100:68b", "NL"),
        ("2001:dc3::35", "JP"),
        ("2408:4000::1", "CN"),
    ],
)
def test_countries_of_known_addresses(geo: Geo, address: str, country: str) -> None:
    """The embedded country data places addresses of institutions where they are, without tolerance."""
    assert geo.place(pack(address)).country == country


def test_agrees_with_a_published_study(geo: Geo) -> None:
    """Countries of the remote addresses in a camera study are ours in 95 of 100 at least (42 of 42 in 2026-06)."""
    folder = CAPTURES / "nku_lifecycle" / "result_demo" / "taffic_destination"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    codes = {"China": "CN", "United States": "US"}
    seen: set[tuple[str, str]] = set()
    for path in folder.rglob("*_region.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            seen |= {(row["IP"], codes[row["region"]]) for row in csv.DictReader(file)}
    assert len(seen) > 30
    agreeing = sum(geo.place(pack(address)).country == code for address, code in seen)
    assert agreeing / len(seen) >= 0.95


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.16.0.1", "172.31.255.255", "192.0.0.9",
        "192.0.2.1", "192.168.1.64", "198.18.0.1", "198.51.100.7", "203.0.113.1", "224.0.0.251", "239.255.255.250",
        "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::fb", "2001:db8::1", "100::1",
        "3fff::1", "64:ff9b:1::1", "2002:0a01:0203::1", "64:ff9b::192.168.0.1", "2001:0:4136:e378:8000:63bf:f5fe:fdfc",
    ],
)  # fmt: skip
def test_addresses_that_are_not_global_are_nowhere(tmp_path: Path, cache: Path, address: str) -> None:
    """They are never looked up, even in a user's database that claims the whole Internet."""
    everywhere = database(tmp_path / "all.mmdb", {"::/1": {"country": "AU"}, "8000::/1": {"country": "AU"}})
    geo = Geo.open([everywhere], cache)
    assert geo.place(pack("9.9.9.9")).country == "AU"
    assert geo.place(pack(address)) == NOWHERE
    geo.close()


@pytest.mark.parametrize("address", ["172.15.255.255", "172.32.0.0", "100.63.255.255", "223.255.255.255", "192.0.1.1"])
def test_neighbours_of_special_blocks_are_global(address: str) -> None:
    """The table's edges are exact."""
    assert is_global(pack(address))


@pytest.mark.parametrize(
    "tunnel",
    ["::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808", "2001:0:4136:e378:8000:63bf:f7f7:f7f7"],
)
def test_tunnels_count_as_the_address_within(geo: Geo, tunnel: str) -> None:
    """Mapped, 6to4, NAT64 and Teredo addresses are placed by the IPv4 address that they carry."""
    assert innermost(pack(tunnel)) == pack("8.8.8.8")
    assert geo.place(pack(tunnel)).network == 15169


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"country": {"iso_code": "DE"}, "registered_country": {"iso_code": "US"}}, Place("DE", 19281, "Quad9")),
        ({"country": "Germany", "country_code": "DE", "asn": "AS64500", "as_name": "Ex"}, Place("DE", 64500, "Ex")),
        ({"country": "DE"}, Place("DE", 19281, "Quad9")),
        ({"country_code": "DE"}, Place("DE", 19281, "Quad9")),
        ({"country": "Germany"}, Place("US", 19281, "Quad9")),
        ({"country": {"iso_code": "EU"}}, Place("US", 19281, "Quad9")),
        ({"autonomous_system_number": 64500, "autonomous_system_organization": "Ex"}, Place("US", 64500, "Ex")),
        ({"autonomous_system_number": 64500}, Place("US", 64500, None)),
        ({"asn": "unknown", "as_name": "Ex"}, Place("US", 19281, "Quad9")),
        ({"asn": 0}, Place("US", 19281, "Quad9")),
        ({"asn": True}, Place("US", 19281, "Quad9")),
        ({"country": 17}, Place("US", 19281, "Quad9")),
        ("just text", Place("US", 19281, "Quad9")),
    ],
)
def test_forms_of_records(tmp_path: Path, cache: Path, record: object, expected: Place) -> None:
    """GeoLite2, GeoIP2, IPinfo, IP2Location and DB-IP fields; what says nothing leaves it to the next database."""
    geo = Geo.open([database(tmp_path / "own.mmdb", {"9.9.9.0/24": record})], cache)
    assert geo.place(pack("9.9.9.9")) == expected
    geo.close()


def test_the_first_database_given_wins(tmp_path: Path, cache: Path) -> None:
    """Users' databases in their order, then the embedded ones, each fact on its own; ages name them all."""
    first = database(tmp_path / "first.mmdb", {"9.9.9.0/24": {"country_code": "FR"}})
    second = database(tmp_path / "second.mmdb", {"9.9.0.0/16": {"country_code": "IT", "asn": "AS64500"}})
    geo = Geo.open([first, second], cache)
    assert geo.place(pack("9.9.9.9")) == Place("FR", 64500, None)
    assert geo.place(pack("9.9.8.8")) == Place("IT", 64500, None)
    assert [name for name, _ in geo.ages()] == ["first.mmdb", "second.mmdb", "country", "asn"]
    geo.close()


def test_a_database_of_ipv4_only(tmp_path: Path, cache: Path) -> None:
    """It is asked about IPv4 and passed over for IPv6."""
    geo = Geo.open([database(tmp_path / "v4.mmdb", {"8.8.8.0/24": {"country_code": "FR"}}, ip_version=4)], cache)
    assert geo.place(pack("8.8.8.8")).country == "FR"
    assert geo.place(pack("2001:4860:4860::8888")).country == "US"
    assert geo.damaged == 0
    geo.close()


def test_ages_are_the_dates_of_the_data(geo: Geo) -> None:
    """The embedded databases are as old as their input, not as the build."""
    manifest = tomllib.loads((files("monitor.enrich.data") / "manifest.toml").read_text(encoding="utf-8"))
    assert dict(geo.ages()) == {name: int(manifest[name]["date"].timestamp()) for name in NAMES}


@pytest.mark.parametrize("what", ["absent", "directory", "empty", "text", "cut", "zeroed"])
def test_an_unusable_database_is_one_line(tmp_path: Path, cache: Path, what: str) -> None:
    """The error at open names the file and says why; nothing of a traceback."""
    path = tmp_path / "own.mmdb"
    whole = database(tmp_path / "whole.mmdb", {"8.8.8.0/24": {"country_code": "FR"}}).read_bytes()
    match what:
        case "directory":
            path.mkdir()
        case "empty":
            path.touch()
        case "text":
            path.write_text("country,code\n" * 1000)
        case "cut":
            path.write_bytes(whole[:-40])
        case "zeroed":
            path.write_bytes(bytes(len(whole) // 2) + whole[len(whole) // 2 :])
    with pytest.raises(GeoError) as caught:
        Geo.open([path], cache)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_damage_never_raises(tmp_path: Path, cache: Path) -> None:
    """Whatever bytes of a database are wrong, it is refused at open or answers, and damaged records are counted."""
    records = {f"{n}.0.0.0/8": {"country_code": "FR", "asn": f"AS{n}", "as_name": "x" * n} for n in range(1, 120)}
    whole = database(tmp_path / "whole.mmdb", records).read_bytes()
    chance = random.Random(7)
    refused = damaged = 0
    for number in range(60):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 8, 64))):
            content[chance.randrange(len(content) - 200)] = chance.randrange(256)
        path = tmp_path / f"{number}.mmdb"
        path.write_bytes(content)
        try:
            geo = Geo.open([path], cache)
        except GeoError:
            refused += 1
            continue
        for n in range(1, 120):
            assert isinstance(geo.place(pack(f"{n}.1.2.3")), Place)
        damaged += geo.damaged
        geo.close()
        path.unlink()
    assert refused > 0
    assert damaged > 0


def test_memory_is_bounded_and_what_leaves_is_counted(cache: Path) -> None:
    """More addresses than are remembered: the surplus is evicted and counted, and answers stay the same."""
    geo = Geo.open(cache=cache)
    before = geo.place(pack("8.8.8.8"))
    surplus = 500
    for number in range(REMEMBERED + surplus):
        geo.place(Address(pack("11.0.0.0")[:12] + (0x0B000000 + number).to_bytes(4)))
    assert geo.evictions == surplus + 1
    assert geo.place(pack("8.8.8.8")) == before
    geo.close()


def test_unpacked_once_and_mended_when_damaged(tmp_path: Path) -> None:
    """The cache is written at first need, left alone while it is whole, and written again when it is not."""
    path = unpacked("country", tmp_path)
    written = path.stat().st_mtime_ns
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(path.stem.partition("-")[2])
    assert unpacked("country", tmp_path) == path
    assert path.stat().st_mtime_ns == written
    content = path.read_bytes()
    path.write_bytes(content[:1000] + b"\xff" + content[1001:])
    assert unpacked("country", tmp_path).read_bytes() == content
    path.write_bytes(b"")
    assert unpacked("country", tmp_path).read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_cache_that_cannot_be_written_is_replaced_for_the_run(tmp_path: Path) -> None:
    """A private temporary directory serves instead, a notice says so, and close() removes it."""
    (tmp_path / "file").touch()
    geo = Geo.open(cache=tmp_path / "file" / "cache")
    assert geo.place(pack("8.8.8.8")).country == "US"
    (notice,) = geo.notices
    assert str(tmp_path / "file" / "cache") in notice
    temporary = Path(notice.partition("databases are in ")[2].partition(" until")[0])
    assert temporary.is_dir()
    assert temporary.stat().st_mode & 0o077 == 0
    geo.close()
    assert not temporary.exists()


def test_default_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """$CAMWARDEN_CACHE, else $XDG_CACHE_HOME if absolute, else ~/.cache."""
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    monkeypatch.delenv("CAMWARDEN_CACHE", raising=False)
    assert default_cache() == Path("/home/someone/.cache/camwarden")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/someone")
    assert default_cache() == Path("/var/cache/someone/camwarden")
    monkeypatch.setenv("CAMWARDEN_CACHE", "/srv/camwarden")
    assert default_cache() == Path("/srv/camwarden")


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Both unpack into one empty cache and both get whole databases."""
    code = (
        "import sys, pathlib\n"
        "from monitor.enrich.geo import Geo\nfrom monitor.model.address import pack\n"
        "print(Geo.open(cache=pathlib.Path(sys.argv[1])).place(pack('8.8.8.8')).network)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=60)[0].strip() for process in processes] == ["15169", "15169"]
    assert len(list(tmp_path.iterdir())) == len(NAMES)


def test_looks_up_quickly(geo: Geo) -> None:
    """A remembered place costs about a microsecond; ten is a defect on any machine."""
    address = pack("8.8.8.8")
    geo.place(address)
    start = time.perf_counter()
    for _ in range(10_000):
        geo.place(address)
    assert (time.perf_counter() - start) / 10_000 < 10e-6


def test_the_packed_databases_are_small() -> None:
    """Both together stay below 12 MB, and are what the manifest says."""
    folder = files("monitor.enrich.data")
    assert sum(len((folder / f"{name}.mmdb.zst").read_bytes()) for name in NAMES) < 12_000_000


@pytest.fixture
def inputs(tmp_path: Path) -> tuple[Path, Path]:
    """A small input of both kinds."""
    tor, asn = tmp_path / "tor", tmp_path / "asn"
    tor.mkdir()
    asn.mkdir()
    head = "# Location Database Export\n# Generated: Thu, 25 Jun 2026 04:33:59 GMT\n"
    v4 = "16777216,16777471,AU\n16777472,16777727,AU\n16777728,16777983,??\n16777984,16778239,UK\n"
    (tor / "geoip").write_text(head + v4)
    (tor / "geoip6").write_text(head + "2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP\n")
    (asn / "package.json").write_text('{"version": "2.3.2026061719"}')
    (asn / "asn-ipv4-num.csv").write_text('16777216,16777727,64500,"Outer, Inc."\n16777472,16777599,64501,Inner\n')
    v6 = "42540528726795050063891204319802818560,42540528806023212578155541913346768895,64502,Six\n"
    (asn / "asn-ipv6-num.csv").write_text(v6)
    return tor, asn


def test_build_joins_cuts_and_dates(inputs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Touching ranges of one value are one, non-countries are left out, of overlapping ranges the narrower holds."""
    countries, networks = build.countries(inputs[0]), build.networks(inputs[1])
    assert countries.ranges[:2] == [(16777216, 16777727, "AU"), (16777984, 16778239, "GB")]
    assert networks.ranges[:3] == [
        (16777216, 16777471, (64500, "Outer, Inc.")),
        (16777472, 16777599, (64501, "Inner")),
        (16777600, 16777727, (64500, "Outer, Inc.")),
    ]
    assert (countries.epoch, networks.epoch) == (1782362039, 1781722800)
    assert "overlap at 1.0.1.0" in capsys.readouterr().err


def test_build_gives_the_same_bytes_again(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    """Same input, same files; and a reader finds in them what went in."""
    outputs = []
    for name in ("first", "second"):
        out = tmp_path / name
        out.mkdir()
        assert build.main(["--tor", str(inputs[0]), "--asn", str(inputs[1]), "--out", str(out)]) == 0
        outputs.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert outputs[0] == outputs[1]
    assert sorted(outputs[0]) == ["asn.mmdb.zst", "country.mmdb.zst", "manifest.toml"]
    path = tmp_path / "asn.mmdb"
    path.write_bytes(build.written(build.networks(inputs[1])))
    geo = Geo.open([path], tmp_path)
    assert geo.place(pack("1.0.1.5")) == Place("CN", 64501, "Inner")
    assert geo.place(pack("1.0.1.200")).network == 64500
    geo.close()


@pytest.mark.parametrize("broken", ["geoip", "package.json"])
def test_build_refuses_input_without_a_date(inputs: tuple[Path, Path], tmp_path: Path, broken: str) -> None:
    """A database of unknown age is not built: exit 2."""
    (inputs[0] / broken if broken == "geoip" else inputs[1] / broken).write_text('{"version": "1"}')
    assert build.main(["--tor", str(inputs[0]), "--asn", str(inputs[1]), "--out", str(tmp_path)]) == 2


@pytest.mark.parametrize(("first", "last"), [(0, 0), (1, 14), (5, 5), (0, 255), (16777216, 16778000), (3, 1 << 40)])
def test_prefixes_cover_a_range_exactly(first: int, last: int) -> None:
    """Prefixes stand end to end from the first address to the last, each aligned to its size."""
    position = first
    for start, length in build.prefixes(first, last):
        size = 1 << (128 - length)
        assert start == position
        assert start % size == 0
        position += size
    assert position == last + 1
