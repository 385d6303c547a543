"""The embedded catalogue is sound, and answers by the longest match."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tldextract import TLDExtract

from monitor.enrich.catalogue import Catalogue, CatalogueError, Owner, Purpose
from monitor.enrich.catalogue.countries import COUNTRIES, country
from monitor.enrich.catalogue.marks import prefix
from monitor.model.address import mac_from_text, pack
from monitor.model.verdicts import OperatorKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.enrich.catalogue.capability_rows import CapabilityRow
    from monitor.enrich.catalogue.rows import Names, Network, P2p, Service, Sourced, Vendor
    from monitor.enrich.catalogue.vulnerability_rows import Vulnerability

    Row = Vendor | P2p | Network | Service | CapabilityRow | Vulnerability

UDP = 17


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def rows(catalogue: Catalogue) -> Iterator[tuple[str, Row]]:
    for table in (catalogue.vendors, catalogue.p2p_networks, catalogue.networks, catalogue.services):
        yield from table.items()
    yield from catalogue.functions.items()
    yield from catalogue.vulnerabilities.items()


def names(catalogue: Catalogue) -> Iterator[tuple[str, Names | Service]]:
    for vendor in catalogue.vendors.values():
        yield from ((vendor.key, part) for part in vendor.domain)
    for p2p in catalogue.p2p_networks.values():
        yield from ((p2p.key, part) for part in p2p.server)
    yield from ((service.key, service) for service in catalogue.services.values())


def parts(row: Row) -> Iterator[Sourced]:
    yield row
    if signs := getattr(row, "signs", None):
        yield from (part for _, part in signs())
    for table in ("oui", "domain", "port", "banner", "announcement", "server", "affected"):
        yield from getattr(row, table, ())


def owner(catalogue: Catalogue, name: str) -> Owner:
    found = catalogue.operator_of_name(name)
    assert found is not None, name
    return found


def test_every_row_has_a_known_source(catalogue: Catalogue) -> None:
    """Each row and each part of a row names at least one tag, and each tag has a citation."""
    for key, row in rows(catalogue):
        for part in parts(row):
            assert part.source.split(), key
            assert set(part.source.split()) <= catalogue.sources.keys(), key


def test_every_citation_is_used(catalogue: Catalogue) -> None:
    """A source that no row cites is a leftover."""
    used = {tag for _, row in rows(catalogue) for part in parts(row) for tag in part.source.split()}
    assert catalogue.sources.keys() - used == set()


def test_jurisdictions_are_countries(catalogue: Catalogue) -> None:
    """Every vendor, network and P2P operator answers to a country; a service may answer to none."""
    laws = [vendor.law for vendor in catalogue.vendors.values()]
    laws += [p2p.law for p2p in catalogue.p2p_networks.values()]
    laws += [network.country for network in catalogue.networks.values()]
    laws += [service.jurisdiction for service in catalogue.services.values() if service.jurisdiction]
    assert set(laws) <= COUNTRIES
    assert [key for key, service in catalogue.services.items() if service.jurisdiction is None] == ["ntp-pool"]


def test_every_name_has_a_registered_part(catalogue: Catalogue) -> None:
    """No row claims a public suffix: "com.cn" would claim everybody's names."""
    extract = TLDExtract(cache_dir=None, suffix_list_urls=())
    for key, part in names(catalogue):
        for name in (*part.suffixes, *part.hosts):
            assert extract(name).top_domain_under_public_suffix, f"{key}: {name}"


def test_no_suffix_of_a_vendor_is_a_platform_that_others_use(catalogue: Catalogue) -> None:
    """A vendor claims whole hosts in a shared platform, never a suffix that holds other tenants."""
    shared = [suffix for service in catalogue.services.values() if service.shared for suffix in service.suffixes]
    for vendor in catalogue.vendors.values():
        for part in vendor.domain:
            for suffix in part.suffixes:
                assert not any(suffix == s or suffix.endswith(f".{s}") for s in shared), f"{vendor.key}: {suffix}"


def test_vendors_without_camera_prefixes_say_why(catalogue: Catalogue) -> None:
    """Where a MAC prefix alone does not mean a camera, the row gives the reason."""
    not_cameras = {key for key, vendor in catalogue.vendors.items() if not vendor.oui_is_camera}
    assert {"huawei", "tp-link", "bosch", "tuya", "throughtek", "honeywell"} <= not_cameras
    assert all(catalogue.vendors[key].oui_reason for key in not_cameras)


def test_load_is_quick() -> None:
    """Reading, checking and indexing takes some 30 ms; thrice that is a defect on any machine."""
    best = min(_timed() for _ in range(5))
    assert best < 0.09


def _timed() -> float:
    start = time.process_time()
    Catalogue.load()
    return time.process_time() - start


@pytest.mark.parametrize(
    ("name", "key", "kind", "purpose"),
    [
        ("litedev.ezvizlife.com", "vendor:ezviz", OperatorKind.VENDOR_CLOUD, Purpose.CLOUD),
        ("LiteDev.EZVIZlife.com.", "vendor:ezviz", OperatorKind.VENDOR_CLOUD, Purpose.CLOUD),
        ("time.ys7.com", "vendor:ezviz", OperatorKind.VENDOR_CLOUD, Purpose.TIME),
        ("www.easy4ipcloud.com", "vendor:dahua", OperatorKind.P2P_CLOUD, Purpose.P2P),
        ("p2p7.reolink.com", "vendor:reolink", OperatorKind.P2P_CLOUD, Purpose.P2P),
        ("apis.reolink.com", "vendor:reolink", OperatorKind.VENDOR_CLOUD, Purpose.CLOUD),
        ("upgrade.secu100.net", "vendor:xiongmai", OperatorKind.VENDOR_CLOUD, Purpose.UPDATE),
        ("us-c-master-tutk.iotcplatform.com", "p2p:kalay", OperatorKind.P2P_CLOUD, Purpose.P2P),
        ("security-device-access.ivyiot.io", "vendor:foscam", OperatorKind.VENDOR_CLOUD, Purpose.CLOUD),
        ("alarm.eu.s3.amazonaws.com", "vendor:ezviz", OperatorKind.VENDOR_CLOUD, Purpose.CLOUD),
        ("2.debian.pool.ntp.org", "service:ntp-pool", OperatorKind.SERVICE, Purpose.TIME),
        ("time.windows.com", "service:microsoft-time", OperatorKind.SERVICE, Purpose.TIME),
    ],
)
def test_names_match_on_label_boundaries(
    catalogue: Catalogue,
    name: str,
    key: str,
    kind: OperatorKind,
    purpose: Purpose,
) -> None:
    """The exact host, else the longest suffix, whatever the case, with or without the dot at the end."""
    found = owner(catalogue, name)
    assert (found.key, found.kind, found.purpose) == (key, kind, purpose)


@pytest.mark.parametrize("name", ["notys7.com", "ys7.com.example.org", "com", "", ".", "windows.com", "uniview.com"])
def test_neighbours_of_a_name_do_not_match(catalogue: Catalogue, name: str) -> None:
    """A suffix is whole labels, and the row of a host does not claim its domain."""
    assert catalogue.operator_of_name(name) is None


def test_a_bucket_next_to_a_vendors_is_the_platforms(catalogue: Catalogue) -> None:
    """Only the exact bucket host is the vendor's; the rest of amazonaws.com is a shared platform."""
    found = owner(catalogue, "other.eu.s3.amazonaws.com")
    assert (found.key, found.shared, found.vendor) == ("service:aws", True, None)


def test_addresses_of_servers_and_resolvers(catalogue: Catalogue) -> None:
    """Literal P2P servers and resolvers are known by address, IPv4 and IPv6."""
    hard_coded = catalogue.operator_of_address(pack("47.88.59.209"))
    assert hard_coded is not None
    assert (hard_coded.key, hard_coded.name, hard_coded.jurisdiction) == ("p2p:pppp", "CS2/PPPP", "CN")
    quad9 = catalogue.operator_of_address(pack("2620:fe::fe"))
    assert quad9 is not None
    assert (quad9.key, quad9.jurisdiction, quad9.anycast) == ("service:quad9-dns", "CH", True)
    assert catalogue.operator_of_address(pack("192.0.2.1")) is None


def test_p2p_networks_of_vendors_are_the_vendors(catalogue: Catalogue) -> None:
    """A network that one vendor runs makes that vendor the operator; an independent one stands for itself."""
    keys = {key: found.key for key in catalogue.p2p_networks if (found := catalogue.operator_of_p2p(key))}
    assert keys == {
        "pppp": "p2p:pppp",
        "kalay": "p2p:kalay",
        "dahua": "vendor:dahua",
        "hikconnect": "vendor:hikvision",
        "ehome": "p2p:ehome",
        "xmeye": "vendor:xiongmai",
        "baichuan": "vendor:reolink",
        "tuya": "vendor:tuya",
    }
    assert catalogue.operator_of_p2p("martian") is None


def test_makers_services_are_counted(catalogue: Catalogue, tmp_path: Path) -> None:
    """Names and addresses that are not peer-to-peer servers or unsure, and their makers."""
    names, makers = catalogue.makers_services()
    assert makers >= 40
    assert names > makers
    (tmp_path / "own.toml").write_text(
        '[[vendor]]\nkey = "acme"\nname = "Acme"\njurisdiction = "DE"\nsource = "OWN"\n'
        '[[vendor.domain]]\nsuffixes = ["acme.example"]\nhosts = ["cam.example.org"]\nsource = "OWN"\n'
        '[[vendor.domain]]\nsuffixes = ["p2p.acme.example"]\npurpose = "p2p"\nsource = "OWN"\n'
        '[[vendor.domain]]\nsuffixes = ["acme.test"]\nverified = false\nsource = "OWN"\n'
        '[sources]\nOWN = "seen on our own network"\n'
    )
    assert Catalogue.load(tmp_path).makers_services() == (names + 2, makers + 1)


def test_control_outweighs_the_legal_seat(catalogue: Catalogue) -> None:
    """Reolink is registered in Hong Kong and controlled from China; Lorex is Canadian and Taiwanese-owned."""
    reolink, lorex = catalogue.vendors["reolink"], catalogue.vendors["lorex"]
    assert (reolink.jurisdiction, reolink.law) == ("HK", "CN")
    assert (lorex.jurisdiction, lorex.law) == ("CA", "TW")
    assert owner(catalogue, "p2p.reolink.com").jurisdiction == "CN"


def test_daughters_share_a_family(catalogue: Catalogue) -> None:
    """EZVIZ and Hikvision are one family; Amcrest, whose devices Dahua makes, is not Dahua's."""
    assert owner(catalogue, "dev.ezviz7.com").family == owner(catalogue, "api.hik-connect.com").family
    assert owner(catalogue, "p2p.amcrestview.com").family != owner(catalogue, "www.easy4ip.com").family


@pytest.mark.parametrize(
    ("mac", "vendor", "camera"),
    [
        ("44:19:b6:00:00:11", "hikvision", True),
        ("bc:29:78:00:00:01", "prama", True),
        ("0c:a6:4c:12:34:56", "ezviz", True),
        ("ec:71:db:00:00:00", "reolink", True),
        ("50:fa:cb:91:23:45", "bosch", False),
        ("50:fa:cb:81:23:45", None, False),
        ("00:07:5f:00:00:01", "bosch", True),
        ("00:0a:13:00:00:01", "honeywell", True),
        ("00:1f:55:00:00:01", "honeywell", False),
        ("28:fd:80:3f:ff:ff", "nuuo", True),
        ("18:69:d8:00:00:01", "tuya", False),
        ("e8:04:f3:00:00:01", "throughtek", False),
        ("46:19:b6:00:00:11", None, False),
        ("ff:ff:ff:ff:ff:ff", None, False),
        ("00:00:00:00:00:00", None, False),
    ],
)
def test_mac_prefixes(catalogue: Catalogue, mac: str, vendor: str | None, camera: bool) -> None:
    """The longest block decides; randomised and group addresses are nobody's."""
    found = catalogue.vendor_of_mac(mac_from_text(mac))
    assert (found.key if found else None, catalogue.is_camera_mac(mac_from_text(mac))) == (vendor, camera)


def test_longer_block_wins(tmp_path: Path) -> None:
    """A /36 inside a /28 inside a /24 is its own vendor's."""
    (tmp_path / "blocks.toml").write_text(
        "".join(
            f'[[vendor]]\nkey = "{key}"\nname = "{key}"\njurisdiction = "DE"\nsource = "OWN"\n'
            f'[[vendor.oui]]\nprefixes = ["{block}"]\nsource = "OWN"\n'
            for key, block in (("wide", "70:b3:d4"), ("middle", "70:b3:d4:1/28"), ("narrow", "70:b3:d4:12:3/36"))
        )
        + '[sources]\nOWN = "seen on our own network"\n',
    )
    catalogue = Catalogue.load(tmp_path)
    found = [catalogue.vendor_of_mac(mac_from_text(f"70:b3:d4:{end}")) for end in ("99:00:00", "19:00:00", "12:3f:00")]
    assert [vendor.key if vendor else None for vendor in found] == ["wide", "middle", "narrow"]


@pytest.mark.parametrize("text", ["44:19", "44:19:b6:1", "44:19:b6:12/28", "44-19-b6", "44:19:b6:1/36", "zz:19:b6"])
def test_a_prefix_is_spelled_in_one_way(text: str) -> None:
    """Anything but the three forms is refused."""
    with pytest.raises(CatalogueError):
        prefix(text)


@pytest.mark.parametrize(
    ("banner", "vendor"),
    [
        ({"server": "Hikvision-Webs"}, "hikvision"),
        ({"server": "app-webs/"}, "hikvision"),
        ({"server": "webs"}, None),
        ({"realm": "Login to 3C01A2BPAZ12345"}, "dahua"),
        ({"realm": "Login to ND011803012345"}, "lorex"),
        ({"server": "nginx", "realm": "Hikvision"}, "hikvision"),
        ({"server": "uc-httpd/1.0.0"}, "xiongmai"),
        ({"certificate_subject": "CN=axis-accc8e000001,O=Axis Communications AB"}, "axis"),
        ({"server": "nginx", "certificate_subject": "CN=local.myboschcam.net,L=Grasbrunn"}, "bosch"),
        ({"server": "alphapd", "realm": "DCS-932L"}, "d-link"),
        ({"realm": "D-Link DIR-300"}, None),
        ({}, None),
    ],
)
def test_banners(catalogue: Catalogue, banner: dict[str, str], vendor: str | None) -> None:
    """Certificate, Server header and realm, by the longest beginning; a generic "webs" is no mark."""
    found = catalogue.vendor_of_banner(**banner)
    assert (found.key if found else None) == vendor


def test_announcements(catalogue: Catalogue) -> None:
    """DHCP option 60 and 12, and DNS-SD service types."""
    answers = [
        catalogue.vendor_of_dhcp("AXIS,Network Camera,P3225-LV", None),
        catalogue.vendor_of_dhcp("udhcp 1.24.2", "Reolink-RLC-410"),
        catalogue.vendor_of_service("_axis-video._tcp.local."),
        catalogue.vendor_of_dhcp("udhcp 1.22.1", "DCS-935L"),
        catalogue.vendor_of_dhcp(None, "DIR-615"),
        catalogue.vendor_of_dhcp(None, "printer"),
        catalogue.vendor_of_service("_ipp._tcp"),
    ]
    found = [vendor.key if vendor else None for vendor in answers]
    assert found == ["axis", "reolink", "axis", "d-link", None, None, None]


@pytest.mark.parametrize(
    ("name", "address", "port", "proto", "expected"),
    [
        ("dns.google", "8.8.8.8", 443, 6, "doh"),
        ("mozilla.cloudflare-dns.com", None, 443, 6, "doh"),
        ("abc123.dns.nextdns.io", "45.90.28.1", 443, 6, "doh"),
        (None, "223.5.5.5", 443, 6, "doh"),
        (None, "223.5.5.5", 53, 17, None),
        (None, "192.0.2.1", 853, 6, "dot"),
        (None, "192.0.2.1", 853, UDP, "doq"),
        ("www.google.com", "142.250.1.1", 443, 6, None),
        (None, None, 443, 6, None),
    ],
)
def test_encrypted_dns(
    catalogue: Catalogue,
    name: str | None,
    address: str | None,
    port: int,
    proto: int,
    expected: str | None,
) -> None:
    """By port 853, by a resolver's name at any port, by its address at port 443 only."""
    packed = pack(address) if address else None
    assert catalogue.encrypted_dns_of(name, packed, port=port, proto=proto) == expected


VENDOR = '[[vendor]]\nkey = "acme"\nname = "Acme"\njurisdiction = "DE"\nsource = "OWN"\n'
SOURCES = '[sources]\nOWN = "seen on our own network"\n'


def part(table: str, line: str) -> str:
    """The vendor's row with one part."""
    return f'{VENDOR}[[vendor.{table}]]\n{line}\nsource = "OWN"\n'


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("[[vendor", ""),
        (VENDOR.replace("jurisdiction", "jurisdicton"), "`jurisdicton` (nearest known key: jurisdiction)"),
        (VENDOR.replace('"DE"', '"Germany"'), "'Germany' is no country"),
        (VENDOR.replace('"OWN"', '"HEARSAY"'), "source 'HEARSAY' is not in any [sources] table"),
        (VENDOR.replace('"OWN"', '""'), "a row needs a source"),
        (VENDOR.replace('source = "OWN"\n', ""), "missing required field `source`"),
        (VENDOR + VENDOR, "the key stands twice"),
        (VENDOR.replace('"acme"', '"acme inc"'), "a key is lower-case"),
        (part("port", 'tcp = ["x"]'), "port[0], tcp[0]: Expected `int`"),
        (part("domain", 'suffixes = ["Acme.example"]'), "suffixes: 'Acme.example'"),
        (part("domain", 'suffixes = ["com"]'), "suffixes: 'com'"),
        (part("domain", 'addresses = ["1.2.3"]'), "addresses: '1.2.3' is no address"),
        (part("domain", 'suffixes = ["ys7.com"]'), "ys7.com belongs to vendor:ezviz as well"),
        (part("oui", 'prefixes = ["44:19:b6"]'), "44:19:b6 belongs to 'hikvision' as well"),
        (part("oui", 'prefixes = ["4419b6"]'), "'4419b6' is no MAC prefix"),
        (VENDOR + 'parent = "nobody"\n', "there is no vendor 'nobody'"),
        (VENDOR + 'parent = "acme"\n', "its parents go in a circle"),
    ],
)
def test_errors_name_file_row_and_key(tmp_path: Path, rows: str, complaint: str) -> None:
    """A file that cannot be used is one line that says where and why."""
    (tmp_path / "own.toml").write_text(rows + SOURCES)
    with pytest.raises(CatalogueError) as caught:
        Catalogue.load(tmp_path)
    said = str(caught.value)
    assert said.startswith("own.toml: ")
    assert "acme" in said or rows == "[[vendor"
    assert complaint in said
    assert "\n" not in said


def test_a_missing_directory_is_one_line(tmp_path: Path) -> None:
    """A directory that is not there is an error, not an empty catalogue."""
    with pytest.raises(CatalogueError, match="No such file"):
        Catalogue.load(tmp_path / "absent")


def test_users_rows_come_on_top(tmp_path: Path) -> None:
    """A user's row replaces the embedded one of its key; with ``shares`` it takes over a name; the rest stays."""
    (tmp_path / "own.toml").write_text(
        VENDOR.replace('"DE"', '"FR"')
        + '[[vendor.domain]]\nsuffixes = ["ys7.com"]\nshares = "our own relay answers there"\nsource = "OWN"\n'
        + '[[vendor]]\nkey = "tiandy"\nname = "Tiandy of ours"\njurisdiction = "CN"\nsource = "OWN"\n'
        + SOURCES,
    )
    catalogue = Catalogue.load(tmp_path)
    assert owner(catalogue, "time.ys7.com").key == "vendor:ezviz"
    assert owner(catalogue, "dev.ys7.com").key == "vendor:acme"
    assert catalogue.vendors["tiandy"].name == "Tiandy of ours"
    assert catalogue.vendor_of_mac(mac_from_text("3c:da:6d:00:00:01")) is None
    assert owner(catalogue, "dev.ezviz7.com").key == "vendor:ezviz"


def test_unverified_rows_decide_nothing(tmp_path: Path) -> None:
    """``verified = false`` keeps a lead on file and out of every answer."""
    (tmp_path / "own.toml").write_text(
        VENDOR
        + '[[vendor.domain]]\nsuffixes = ["acme.example"]\nverified = false\nsource = "OWN"\n'
        + '[[vendor.oui]]\nprefixes = ["00:11:22"]\nverified = false\nsource = "OWN"\n'
        + '[[vendor.banner]]\nservers = ["AcmeCam"]\nverified = false\nsource = "OWN"\n'
        + '[[vendor.announcement]]\nhostnames = ["acme"]\nverified = false\nsource = "OWN"\n'
        + '[[vendor]]\nkey = "rumour"\nname = "Rumour"\njurisdiction = "DE"\nverified = false\nsource = "OWN"\n'
        + SOURCES,
    )
    catalogue = Catalogue.load(tmp_path)
    assert catalogue.vendor("acme") is not None
    assert catalogue.vendor("rumour") is None
    assert catalogue.operator_of_name("www.acme.example") is None
    assert catalogue.vendor_of_mac(mac_from_text("00:11:22:33:44:55")) is None
    assert catalogue.vendor_of_banner(server="AcmeCam/1.0") is None
    assert catalogue.vendor_of_dhcp(None, "acme-17") is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("cn", "CN"),
        ("UK", "GB"),
        ("XK", "XK"),
        ("EU", None),
        ("AP", None),
        ("A1", None),
        ("T1", None),
        ("??", None),
        ("CS", None),
        ("United States", None),
        ("", None),
        (None, None),
        (17, None),
    ],
)
def test_only_countries_are_countries(code: object, expected: str | None) -> None:
    """Regions, proxies, dissolved states and full names are not countries; UK is GB."""
    assert country(code) == expected
