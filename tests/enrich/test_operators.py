"""Where is not whose: each part of a verdict on its own."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.enrich.catalogue import Catalogue
from monitor.enrich.geo import Geo
from monitor.enrich.operators import REMEMBERED, Operators, RegisteredDomains
from monitor.model.address import pack
from monitor.model.verdicts import Confidence, OperatorKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
IRISH_AMAZON = "52.16.0.1"
SINGAPORE = "159.65.0.1"
"""DigitalOcean's."""


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operators]:
    geo = Geo.open(cache=tmp_path_factory.mktemp("cache"))
    yield Operators(Catalogue.load(), geo)
    geo.close()


def resolve(
    operators: Operators,
    address: str | None,
    *names: str,
    p2p: str | None = None,
    proof: bool = True,
) -> Verdict:
    return operators.resolve(pack(address) if address else None, names, p2p, name_is_proof=proof)


def test_a_chinese_vendors_cloud_on_an_irish_amazon_address(operators: Operators) -> None:
    """The address is in Ireland, its network is American, and the operator answers to China."""
    verdict = resolve(operators, IRISH_AMAZON, "apiieu.ezvizlife.com")
    assert (verdict.location, verdict.organisation_country, verdict.jurisdiction) == ("IE", "US", "CN")
    assert (verdict.operator, verdict.operator_key, verdict.vendor) == ("EZVIZ", "vendor:ezviz", "ezviz")
    assert (verdict.network, verdict.organisation) == (16509, "Amazon")
    assert (verdict.kind, verdict.confidence) == (OperatorKind.VENDOR_CLOUD, Confidence.HIGH)


def test_a_hard_coded_p2p_server(operators: Operators) -> None:
    """A literal PPPP server is known by its address alone; where it stands is what the database says."""
    verdict = resolve(operators, "47.88.59.209")
    assert (verdict.operator, verdict.operator_key, verdict.kind) == ("CS2/PPPP", "p2p:pppp", OperatorKind.P2P_CLOUD)
    assert (verdict.jurisdiction, verdict.confidence) == ("CN", Confidence.HIGH)
    assert (verdict.location, verdict.network, verdict.organisation) == ("US", 45102, "Alibaba")
    assert verdict.organisation_country == "CN"


def test_protocol_at_an_address_nobody_knows(operators: Operators) -> None:
    """The wire protocol names the operator; the place is another matter."""
    verdict = resolve(operators, SINGAPORE, p2p="pppp")
    assert (verdict.operator_key, verdict.jurisdiction, verdict.location) == ("p2p:pppp", "CN", "SG")
    assert (verdict.organisation, verdict.organisation_country) == ("DigitalOcean", "US")


@pytest.mark.parametrize(
    ("name", "p2p", "proof", "key"),
    [
        ("www.easy4ipcloud.com", "dahua", True, "vendor:dahua"),
        ("www.easy4ipcloud.com", "dahua", False, "vendor:dahua"),
        ("www.lechange.com", "dahua", False, "vendor:imou"),
        ("p2p.amcrestview.com", "dahua", True, "vendor:amcrest"),
        ("p2p.amcrestview.com", "dahua", False, "vendor:dahua"),
        ("litedev.ezvizlife.com", "hikconnect", True, "vendor:ezviz"),
        ("us-c-master-tutk.iotcplatform.com", "kalay", True, "p2p:kalay"),
        ("c1ybkrkbr1j10x.credentials.iot.us-west-2.amazonaws.com", "kalay", True, "vendor:wyze"),
        ("relay.example.org", "pppp", True, "p2p:pppp"),
        ("ec2-52-16-0-1.eu-west-1.compute.amazonaws.com", "kalay", True, "p2p:kalay"),
        ("2.pool.ntp.org", "pppp", True, "p2p:pppp"),
        (None, "dahua", True, "vendor:dahua"),
        (None, "martian", True, "p2p:martian"),
    ],
)
def test_protocol_against_name(operators: Operators, name: str | None, p2p: str, proof: bool, key: str) -> None:
    """A vendor's name of the protocol's family, or one that is proof, names the operator; else the protocol does."""
    verdict = resolve(operators, SINGAPORE, *([name] if name else []), p2p=p2p, proof=proof)
    assert (verdict.operator_key, verdict.kind) == (key, OperatorKind.P2P_CLOUD)


@pytest.mark.parametrize(
    ("proof", "key", "confidence"),
    [(True, "vendor:dahua", Confidence.HIGH), (False, "p2p:pppp", Confidence.HIGH)],
)
def test_name_against_literal_address(operators: Operators, proof: bool, key: str, confidence: Confidence) -> None:
    """A name that is no proof gives way to a known address of somebody else."""
    verdict = resolve(operators, "47.88.59.209", "www.easy4ip.com", proof=proof)
    assert (verdict.operator_key, verdict.confidence) == (key, confidence)


def test_a_name_that_is_no_proof_is_medium(operators: Operators) -> None:
    """The row is right, but the address may have been another's name."""
    assert resolve(operators, SINGAPORE, "api.hik-connect.com", proof=False).confidence is Confidence.MEDIUM
    assert resolve(operators, None, "api.hik-connect.com", proof=False).confidence is Confidence.HIGH


@pytest.mark.parametrize(
    ("name", "vendor", "law", "kind"),
    [
        ("rest-prod.immedia-semi.com", "blink", "US", OperatorKind.VENDOR_CLOUD),
        ("api.oauth.blink.com", "blink", "US", OperatorKind.VENDOR_CLOUD),
        ("fw.ring.com", "ring", "US", OperatorKind.VENDOR_CLOUD),
        ("myapi.arlo.com", "arlo", "US", OperatorKind.VENDOR_CLOUD),
        ("mqtt-cluster.arloxcld.com", "arlo", "US", OperatorKind.VENDOR_CLOUD),
        ("security-app-eu.eufylife.com", "eufy", "CN", OperatorKind.VENDOR_CLOUD),
        ("eufylife.com", "eufy", "CN", OperatorKind.VENDOR_CLOUD),
        ("www.eufy.com", "eufy", "CN", OperatorKind.VENDOR_CLOUD),
        ("mp-eu-dcdda.auto.mydlink.com", "d-link", "TW", OperatorKind.VENDOR_CLOUD),
        ("www.dlink.com", "d-link", "TW", OperatorKind.VENDOR_CLOUD),
        ("ntp1.dlink.com", "d-link", "TW", OperatorKind.VENDOR_CLOUD),
        ("wrpd.dlink.com.tw", "d-link", "TW", OperatorKind.VENDOR_CLOUD),
        ("ot.io.mi.com", "xiaomi", "CN", OperatorKind.VENDOR_CLOUD),
        ("de.business.smartcamera.api.io.mi.com", "xiaomi", "CN", OperatorKind.VENDOR_CLOUD),
        ("awsde0.fds.api.xiaomi.com", "xiaomi", "CN", OperatorKind.VENDOR_CLOUD),
        ("fusion-gateway-cn.imilab.com", "imilab", "CN", OperatorKind.VENDOR_CLOUD),
        ("nexusapi-eu1.camera.home.nest.com", "google-nest", "US", OperatorKind.VENDOR_CLOUD),
        ("nexus.dropcam.com", "google-nest", "US", OperatorKind.VENDOR_CLOUD),
        ("prodvpn-eu-2.netatmo.net", "netatmo", "FR", OperatorKind.VENDOR_CLOUD),
        ("api.netatmo.com", "netatmo", "FR", OperatorKind.VENDOR_CLOUD),
        ("api.circle.logi.com", "logitech", "CH", OperatorKind.VENDOR_CLOUD),
        ("node-2.video.logi.com", "logitech", "CH", OperatorKind.VENDOR_CLOUD),
        ("mediator.prd.cam.simplisafe.com", "simplisafe", "US", OperatorKind.VENDOR_CLOUD),
        ("time.control.verkada.com", "verkada", "US", OperatorKind.VENDOR_CLOUD),
        ("vsubmit.command.verkada.com", "verkada", "US", OperatorKind.VENDOR_CLOUD),
        ("n1.meraki.com", "meraki", "US", OperatorKind.VENDOR_CLOUD),
        ("fw-update.ubnt.com", "ubiquiti", "US", OperatorKind.VENDOR_CLOUD),
        ("fw-download.ui.com", "ubiquiti", "US", OperatorKind.VENDOR_CLOUD),
        ("api-rest.nightowlconnect.com", "night-owl", "US", OperatorKind.VENDOR_CLOUD),
        ("house.nightowldvr.com", "night-owl", "US", OperatorKind.VENDOR_CLOUD),
        ("p2p.lorexservices.com", "lorex", "TW", OperatorKind.P2P_CLOUD),
        ("config.amcrestcloud.com", "amcrest", "US", OperatorKind.VENDOR_CLOUD),
        ("events.tplinkra.com", "tp-link", "CN", OperatorKind.VENDOR_CLOUD),
        ("dm201.cbs.boschsecurity.com", "bosch", "DE", OperatorKind.VENDOR_CLOUD),
        ("api.remote.boschsecurity.com", "bosch", "DE", OperatorKind.VENDOR_CLOUD),
        ("dmp.avasecurity.com", "avigilon", "US", OperatorKind.VENDOR_CLOUD),
        ("portal.vortexcloud.com", "vivotek", "TW", OperatorKind.VENDOR_CLOUD),
        ("api2.rhombussystems.com", "rhombus", "US", OperatorKind.VENDOR_CLOUD),
        ("gw-eu.xiaoyi.com", "yi", "CN", OperatorKind.VENDOR_CLOUD),
        ("kamicloud-api.kamihome.com", "yi", "CN", OperatorKind.VENDOR_CLOUD),
        ("open-ger.aqara.com", "aqara", "CN", OperatorKind.VENDOR_CLOUD),
        ("app-api.aqara.cn", "aqara", "CN", OperatorKind.VENDOR_CLOUD),
        ("api.ecobee.com", "ecobee", "US", OperatorKind.VENDOR_CLOUD),
        ("my.canary.is", "canary", "US", OperatorKind.VENDOR_CLOUD),
        ("api-prod.canaryis.com", "canary", "US", OperatorKind.VENDOR_CLOUD),
        ("cam-gw-us.ajcloud.net", "ajcloud", "CN", OperatorKind.VENDOR_CLOUD),
        ("devota.av380.net", "macro-video", "HK", OperatorKind.VENDOR_CLOUD),
        ("logreport.nvcam.net", "macro-video", "HK", OperatorKind.VENDOR_CLOUD),
    ],
)
def test_makers_own_services(operators: Operators, name: str, vendor: str, law: str, kind: OperatorKind) -> None:
    """The maker, and the law that it answers to, whosever network the name stands in."""
    verdict = resolve(operators, IRISH_AMAZON, name)
    assert (verdict.operator_key, verdict.vendor) == (f"vendor:{vendor}", vendor)
    assert (verdict.kind, verdict.jurisdiction, verdict.confidence) == (kind, law, Confidence.HIGH)


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("notmydlink.com", "notmydlink.com"),
        ("mydlink.com.example.org", "example.org"),
        ("notdlink.com", "notdlink.com"),
        ("immedia-semi.com.example.org", "example.org"),
        ("www.blink.com", "blink.com"),
        ("spring.com", "spring.com"),
        ("hamburger-ring.com", "hamburger-ring.com"),
        ("noteufylife.com", "noteufylife.com"),
        ("www.mi.com", "mi.com"),
        ("account.xiaomi.com", "xiaomi.com"),
        ("io-mi.com", "io-mi.com"),
        ("jimilab.com", "jimilab.com"),
        ("honest.com", "honest.com"),
        ("www.logi.com", "logi.com"),
        ("www.ui.com", "ui.com"),
        ("www.verkada.com", "verkada.com"),
        ("www.boschsecurity.com", "boschsecurity.com"),
        ("lavasecurity.com", "lavasecurity.com"),
        ("blahajcloud.net", "blahajcloud.net"),
        ("myvortexcloud.com", "myvortexcloud.com"),
    ],
)
def test_neighbours_of_makers_services_are_nobodys(operators: Operators, name: str, domain: str) -> None:
    """A name that only looks like one, and the shop or site of a maker whose devices are not all cameras."""
    verdict = resolve(operators, IRISH_AMAZON, name)
    assert (verdict.operator_key, verdict.vendor, verdict.kind) == (f"domain:{domain}", None, OperatorKind.DOMAIN)


def test_an_unknown_domain(operators: Operators) -> None:
    """The registered domain is the operator; whose law is the home of its network, and that is said."""
    verdict = resolve(operators, IRISH_AMAZON, "a.b.example.co.uk")
    assert (verdict.operator, verdict.operator_key) == ("example.co.uk", "domain:example.co.uk")
    assert (verdict.kind, verdict.vendor) == (OperatorKind.DOMAIN, None)
    assert (verdict.location, verdict.jurisdiction, verdict.confidence) == ("IE", "US", Confidence.MEDIUM)
    assert "Amazon" in verdict.why


def test_an_unknown_domain_on_an_unknown_network(operators: Operators) -> None:
    """With nothing but a registry to go by, the country of the address stands in, with medium confidence."""
    verdict = resolve(operators, "131.111.150.25", "cam.example.org")
    assert (verdict.organisation_country, verdict.jurisdiction, verdict.confidence) == (None, "GB", Confidence.MEDIUM)
    assert verdict.organisation == "Jisc Services Limited"


def test_a_name_that_was_only_asked_for(operators: Operators) -> None:
    """Without an address there is no place, and an unknown domain has no jurisdiction."""
    known, unknown = resolve(operators, None, "dev.ezviz7.com"), resolve(operators, None, "www.example.org")
    assert (known.jurisdiction, known.location, known.network) == ("CN", None, None)
    assert (unknown.operator_key, unknown.jurisdiction) == ("domain:example.org", None)
    assert unknown.confidence is Confidence.LOW


@pytest.mark.parametrize(
    ("name", "key", "jurisdiction"),
    [
        ("mybucket.s3.amazonaws.com", "domain:mybucket.s3.amazonaws.com", "US"),
        ("d111111abcdef8.cloudfront.net", "domain:d111111abcdef8.cloudfront.net", "US"),
        ("a3k7odshaiipe8-ats.iot.eu-west-1.amazonaws.com", "service:aws", "US"),
        ("bucket.oss-cn-hangzhou.aliyuncs.com", "service:alibaba-cloud", "CN"),
        ("alarm.eu.s3.amazonaws.com", "vendor:ezviz", "CN"),
        ("azurewebsites.net", "service:azure", "US"),
    ],
)
def test_tenants_of_a_shared_platform(operators: Operators, name: str, key: str, jurisdiction: str) -> None:
    """A tenant that the public suffix list tells apart is its own operator, else the platform is; never a vendor."""
    verdict = resolve(operators, IRISH_AMAZON, name)
    assert (verdict.operator_key, verdict.jurisdiction) == (key, jurisdiction)
    assert (verdict.vendor is None) == (not key.startswith("vendor:"))
    assert verdict.confidence is (Confidence.HIGH if verdict.vendor else Confidence.MEDIUM)


def test_the_first_name_with_a_row_counts(operators: Operators) -> None:
    """A row of its own before a shared platform before the first name; literal addresses name nobody."""
    aliases = ("www.example.org", "d111111abcdef8.cloudfront.net", "apis.reolink.com", "api.hik-connect.com")
    assert resolve(operators, SINGAPORE, *aliases).operator_key == "vendor:reolink"
    assert resolve(operators, SINGAPORE, *aliases[:2]).operator_key == "domain:d111111abcdef8.cloudfront.net"
    assert resolve(operators, SINGAPORE, "www.example.org", "www.example.net").operator_key == "domain:example.org"
    assert resolve(operators, SINGAPORE, SINGAPORE, "[2001:db8::1]").operator_key == "network:digitalocean"


def test_only_the_network_is_known(operators: Operators) -> None:
    """A catalogued network gives its organisation's home, another only the address's country."""
    cloud, other = resolve(operators, "119.45.1.1"), resolve(operators, "131.111.150.25")
    assert (cloud.operator, cloud.operator_key, cloud.kind) == ("Tencent", "network:tencent", OperatorKind.NETWORK)
    assert (cloud.jurisdiction, cloud.confidence) == ("CN", Confidence.MEDIUM)
    assert (other.operator, other.operator_key) == ("AS786 Jisc Services Limited", "as:786")
    assert (other.jurisdiction, other.confidence) == ("GB", Confidence.MEDIUM)


def test_ipv6(operators: Operators) -> None:
    """IPv6 is placed and named like IPv4."""
    verdict = resolve(operators, "2a05:d018::1", "dev.ys7.com")
    assert (verdict.location, verdict.organisation_country, verdict.jurisdiction) == ("IE", "US", "CN")
    assert resolve(operators, "2408:4000::1").operator_key == "network:alibaba"


@pytest.mark.parametrize("address", ["192.168.1.64", "10.0.0.1", "fd00::1", "100.64.3.4", "224.0.0.251"])
def test_a_private_address_is_only_itself(operators: Operators, address: str) -> None:
    """Nothing is looked up for it."""
    verdict = resolve(operators, address)
    assert (verdict.operator_key, verdict.kind) == (f"addr:{address}", OperatorKind.ADDRESS)
    assert (verdict.location, verdict.network, verdict.jurisdiction) == (None, None, None)
    assert verdict.confidence is Confidence.LOW


def test_public_resolvers_are_services(operators: Operators) -> None:
    """By address and by name; anycast, so the verdict says that the country of the address is little worth."""
    verdict = resolve(operators, "8.8.8.8")
    assert (verdict.operator, verdict.operator_key, verdict.kind) == (
        "Google Public DNS", "service:google-dns", OperatorKind.SERVICE,
    )  # fmt: skip
    assert (verdict.jurisdiction, verdict.confidence) == ("US", Confidence.HIGH)
    assert "anycast" in verdict.why
    assert resolve(operators, "9.9.9.9", "dns.quad9.net").jurisdiction == "CH"


def test_an_unknown_domain_behind_an_anycast_network(operators: Operators) -> None:
    """Neither the country of the address nor the network's home says much of who is behind it: low."""
    verdict = resolve(operators, "104.16.132.229", "www.example.org")
    assert (verdict.operator_key, verdict.jurisdiction) == ("domain:example.org", "US")
    assert verdict.confidence is Confidence.LOW
    assert "anycast" in verdict.why


def test_a_pool_of_volunteers_has_no_law_of_its_own(operators: Operators) -> None:
    """The jurisdiction of a pool's server is that of its network or address, and so is the confidence."""
    verdict = resolve(operators, "131.111.150.25", "0.pool.ntp.org")
    assert (verdict.operator_key, verdict.jurisdiction, verdict.law_of_end) == ("service:ntp-pool", "GB", True)
    assert verdict.confidence is Confidence.MEDIUM


def test_control_is_the_jurisdiction(operators: Operators) -> None:
    """Reolink: a Hong Kong company, controlled from China."""
    verdict = resolve(operators, IRISH_AMAZON, "p2p3.reolink.com")
    assert (verdict.jurisdiction, verdict.kind, verdict.law_of_end) == ("CN", OperatorKind.P2P_CLOUD, False)


def test_nothing_to_go_by_is_a_mistake(operators: Operators) -> None:
    """A caller that has neither address nor name nor protocol has no contact."""
    with pytest.raises(ValueError, match="nothing to resolve"):
        resolve(operators, None)


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("www.example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("foo.github.io", "foo.github.io"),
        ("github.io", "github.io"),
        ("co.uk", "co.uk"),
        ("camera.lan", "camera.lan"),
        ("a.b.internal", "b.internal"),
        ("camera", "camera"),
        ("xn--fiq228c.xn--fiqs8s", "xn--fiq228c.xn--fiqs8s"),
    ],
)
def test_registered_domains(name: str, domain: str) -> None:
    """What somebody registered; a name below no public suffix keeps its last two labels."""
    assert RegisteredDomains().of(name) == domain


def test_registered_domains_touch_neither_network_nor_disk(tmp_path: Path) -> None:
    """The list that comes with tldextract serves; with the network cut off, nothing is fetched or cached."""
    code = (
        "import socket, pathlib\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from monitor.enrich.operators import RegisteredDomains\n"
        "print(RegisteredDomains().of('a.example.co.uk'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout.strip(), list(tmp_path.iterdir())) == ("example.co.uk", []), done.stderr


def test_the_suffix_list_waits_for_its_first_use() -> None:
    """tldextract is slow to import, so a catalogued name must not need it."""
    code = (
        "import sys\n"
        "from monitor.enrich.catalogue import Catalogue\nfrom monitor.enrich.geo import Geo\n"
        "from monitor.enrich.operators import Operators\n"
        "operators = Operators(Catalogue.load(), Geo([]))\n"
        "operators.resolve(None, ['dev.ys7.com'], None, name_is_proof=True)\n"
        "assert 'tldextract' not in sys.modules\n"
        "operators.prepare()\n"
        "assert 'tldextract' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_verdicts_are_remembered_within_bounds() -> None:
    """Equal questions get the same object; the surplus is evicted and counted."""
    operators = Operators(Catalogue.load(), Geo([]))
    question = (None, ("dev.ys7.com",), None)
    first = operators.resolve(*question, name_is_proof=True)
    assert operators.resolve(*question, name_is_proof=True) is first
    start = time.perf_counter()
    for number in range(REMEMBERED + 100):
        operators.resolve(None, (f"{number}.ys7.com",), None, name_is_proof=True)
    assert operators.evictions == 101
    assert (time.perf_counter() - start) / REMEMBERED < 500e-6
    assert operators.resolve(*question, name_is_proof=True) == first
