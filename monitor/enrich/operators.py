"""Where is not whose: each part of what is known of a remote end, and how sure it is.

Strategy: the operator is decided first, from the strongest evidence to the weakest:

1. A P2P network's wire protocol together with a name of a camera vendor. If both are of one family (Dahua's protocol
   at easy4ipcloud.com), or the name is proof, the name's vendor operates it: the protocol says what software runs
   there, the name whose server it is (p2p.amcrestview.com speaks Dahua's protocol and is Amcrest's).
2. The protocol alone, else a catalogued name, else a catalogued literal address. A name that is no proof gives way to
   a catalogued address of somebody else.
3. The registered domain. Below a shared platform (amazonaws.com) that is the tenant's own name where the public
   suffix list knows it, else the platform.
4. The autonomous system, else the bare address.

The jurisdiction is the operator's; if that is unknown, the home of the network's organisation; else the country of
the address. Databases say where an address is registered, not where an anycast server stands: there the country is
repeated and not trusted.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from monitor.model.address import is_address, text
from monitor.model.limits import Limit, Room
from monitor.model.verdicts import Confidence, OperatorKind, Place, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tldextract import TLDExtract

    from monitor.enrich.catalogue import Catalogue, Network, Owner
    from monitor.enrich.geo import Geo
    from monitor.model.address import Address

REMEMBERED: Final = 4096
"""Questions whose verdicts are kept in memory, some 1,000 bytes each; beyond that the one unused for longest goes."""


class _Operator(Struct, frozen=True):
    """An operator with the confidence in it; ``law`` None where the network or the address must tell."""

    key: str
    name: str
    kind: OperatorKind
    why: str
    law: str | None = None
    vendor: str | None = None
    confidence: Confidence = Confidence.LOW
    anycast: bool = False
    unnamed: bool = False


class Operators:
    """Verdicts on remote ends, by catalogue and address databases. Equal questions get equal answers."""

    def __init__(self, catalogue: Catalogue, geo: Geo) -> None:
        self._catalogue = catalogue
        self._geo = geo
        self._domains = RegisteredDomains()
        self._remembered = lru_cache(REMEMBERED)(self._resolve)
        self._same: dict[Verdict, Verdict] = {}

    def resolve(
        self,
        address: Address | None,
        names: Sequence[str],
        p2p: str | None,
        *,
        name_is_proof: bool,
        contacted: bool = True,
    ) -> Verdict:
        """Who the remote end is. ValueError if there is neither address nor name nor protocol to go by.

        ``names`` best first; ``p2p`` the network that a parser saw on the wire; ``name_is_proof`` says that the
        device itself named the server (SNI, Host), so that the name is not another's on the same address. An address
        that was answered and not ``contacted`` says little of whose the name is: another may be answered next.
        """
        return self._remembered(address, tuple(names), p2p, name_is_proof, contacted)

    def limits(self) -> list[Limit]:
        """The room for verdicts."""
        info = self._remembered.cache_info()
        return [Limit(Room.VERDICTS, REMEMBERED, info.currsize, self.evictions)]

    @property
    def evictions(self) -> int:
        """Verdicts that left the memory to make room."""
        info = self._remembered.cache_info()
        return info.misses - info.currsize

    def prepare(self) -> None:
        """Read the public suffix list now (some 0.3 s) and not at the first name that no catalogue row knows."""
        self._domains.of("example.org")

    def _resolve(
        self,
        address: Address | None,
        names: tuple[str, ...],
        p2p: str | None,
        proof: bool,  # noqa: FBT001  lru_cache keys by position
        contacted: bool,  # noqa: FBT001  likewise
    ) -> Verdict:
        place = self._geo.place(address) if address is not None else Place()
        network = self._catalogue.operator_of_network(place.network) if place.network is not None else None
        name, owner = self._named(names)
        operator = (
            self._listed(address, name, owner, p2p, certain=proof or address is None)
            or (self._domain(name, owner) if name else None)
            or _numbered(address, place, network)
        )
        anycast = operator.anycast or (network is not None and network.anycast)
        law, confidence, why = operator.law, operator.confidence, operator.why
        if law is None and network is not None:
            law, confidence = network.country, Confidence.LOW if anycast else Confidence.MEDIUM
            why += f"; jurisdiction of {network.name}, {network.seat}"
        elif law is None:
            # Country and network of an address are registered facts; that its user answers there is likely, no more.
            registered = place.country is not None and place.network is not None and not anycast
            law, confidence = place.country, Confidence.MEDIUM if registered else Confidence.LOW
            why += "; jurisdiction by the country of the address" if law else "; jurisdiction not known"
        if anycast and place.country:
            why += "; anycast, so the country of the address says little"
        if not contacted and address is not None:
            why += "; by the address that was answered, which was not contacted"
            confidence = Confidence.LOW if operator.law is None else confidence
        verdict = Verdict(
            operator=operator.name,
            operator_key=operator.key,
            kind=operator.kind,
            location=place.country,
            network=place.network,
            organisation=network.name if network else place.organisation,
            organisation_country=network.country if network else None,
            jurisdiction=law,
            vendor=operator.vendor,
            confidence=confidence,
            why=why,
            unnamed=operator.unnamed,
            law_of_end=operator.law is None,
        )
        # Most addresses of a network have one verdict, and contacts keep it: one object does for all of them.
        if len(self._same) >= REMEMBERED // 4:
            self._same.clear()
        return self._same.setdefault(verdict, verdict)

    def _named(self, names: tuple[str, ...]) -> tuple[str | None, Owner | None]:
        """The first name that a row owns, else the first below a shared platform, else the first."""
        spelled = [
            name for name in (name.rstrip(".").lower() for name in names) if name and not is_address(name.strip("[]"))
        ]
        owned = [(name, owner) for name in spelled if (owner := self._catalogue.operator_of_name(name))]
        own = [(name, owner) for name, owner in owned if not owner.shared]
        if own or owned:
            return (own or owned)[0]
        return (spelled[0], None) if spelled else (None, None)

    def _listed(
        self,
        address: Address | None,
        name: str | None,
        owner: Owner | None,
        p2p: str | None,
        *,
        certain: bool,
    ) -> _Operator | None:
        """By protocol, name or literal address, if a catalogue row decides."""
        owner = None if owner is None or owner.shared else owner
        if p2p is not None:
            spoken = self._catalogue.operator_of_p2p(p2p)
            platform = owner is not None and owner.kind is not OperatorKind.SERVICE
            if owner is not None and platform and (certain or (spoken and spoken.family == owner.family)):
                return _by(owner, f"protocol {p2p} at {name} ({owner.evidence})", kind=OperatorKind.P2P_CLOUD)
            if spoken is not None:
                return _by(spoken, f"protocol {p2p}", unnamed=True)
            why = f"protocol {p2p}, in no catalogue row"
            return _Operator(f"p2p:{p2p}", p2p, OperatorKind.P2P_CLOUD, why, unnamed=True)
        literal = self._catalogue.operator_of_address(address) if address is not None else None
        if owner is not None and (certain or literal is None or literal.family == owner.family):
            confidence = Confidence.HIGH if certain or literal is not None else Confidence.MEDIUM
            return _by(owner, f"{name} is below {owner.evidence}", confidence=confidence)
        if literal is not None:
            return _by(literal, f"{literal.evidence} is a known server", unnamed=True)
        return None

    def _domain(self, name: str, platform: Owner | None) -> _Operator:
        """By registered domain; ``platform`` is the shared platform that the name is below."""
        domain = self._domains.of(name)
        if platform is None:
            return _Operator(f"domain:{domain}", domain, OperatorKind.DOMAIN, f"registered domain of {name}")
        if not domain.endswith(f".{platform.evidence}"):
            why = f"{name} is below {platform.evidence}; whose service it is there is not known"
            return _by(platform, why, confidence=Confidence.MEDIUM)
        return _Operator(
            f"domain:{domain}",
            domain,
            OperatorKind.DOMAIN,
            f"tenant of {platform.name}",
            law=platform.jurisdiction,
            confidence=Confidence.LOW if platform.anycast else Confidence.MEDIUM,
            anycast=platform.anycast,
        )


class RegisteredDomains:
    """Name -> the domain that somebody registered, by the public suffix list that tldextract brings along.

    Never fetches and never writes. tldextract takes 0.25 s to import, so that waits for the first question.
    """

    def __init__(self) -> None:
        self._extract: TLDExtract | None = None

    def of(self, name: str) -> str:
        """With the list's private part, so that tenants of a platform differ; else the last two labels."""
        extract = self._list()
        return (
            extract(name).top_domain_under_public_suffix
            or extract(name, include_psl_private_domains=False).top_domain_under_public_suffix
            or ".".join(name.split(".")[-2:])
        )

    def is_public(self, name: str) -> bool:
        """Whether this is a public suffix itself, such as com, co.uk or a platform's for its tenants."""
        return bool(name) and self._list()(name).suffix == name

    def _list(self) -> TLDExtract:
        if self._extract is None:
            from tldextract import TLDExtract

            self._extract = TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)
        return self._extract


def _by(
    owner: Owner,
    why: str,
    *,
    kind: OperatorKind | None = None,
    confidence: Confidence = Confidence.HIGH,
    unnamed: bool = False,
) -> _Operator:
    return _Operator(
        owner.key,
        owner.name,
        kind or owner.kind,
        why,
        law=owner.jurisdiction,
        vendor=owner.vendor,
        confidence=confidence,
        anycast=owner.anycast,
        unnamed=unnamed,
    )


def _numbered(address: Address | None, place: Place, network: Network | None) -> _Operator:
    """By autonomous system, else by address."""
    if network is not None:
        why = f"AS{place.network} is {network.name}'s"
        return _Operator(f"network:{network.key}", network.name, OperatorKind.NETWORK, why)
    if place.network is not None:
        name = f"AS{place.network} {place.organisation}" if place.organisation else f"AS{place.network}"
        return _Operator(f"as:{place.network}", name, OperatorKind.NETWORK, f"holder of AS{place.network}")
    if address is None:
        msg = "neither address nor name nor protocol: nothing to resolve"
        raise ValueError(msg)
    spelled = text(address)
    return _Operator(f"addr:{spelled}", spelled, OperatorKind.ADDRESS, "nothing but the address is known")
