"""Weaknesses: what is wrong with the firmware that a device runs, and who tries to use it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from msgspec import structs

from monitor.detectors import exploit_attempt, known_vulnerable, stale_firmware
from monitor.model import versions
from monitor.model.incidents import Kind
from monitor.model.vulnerabilities import Attack

if TYPE_CHECKING:
    from monitor.enrich.catalogue import Catalogue
    from monitor.ledger.ledger import Page
    from monitor.model.contacts import Contact, Device
    from monitor.model.facts import ExploitAttempt
    from monitor.model.incidents import Evidence, Notice

STANDING: Final = (Kind.KNOWN_VULNERABLE, Kind.STALE_FIRMWARE)
"""Kinds that hold for as long as the firmware does."""
AFTER_NS: Final = 600_000_000_000
"""A device that is taken over fetches what it is to run within minutes; a contact much later has other reasons."""
MAX_ATTACKED: Final = 256
"""Attacked devices that are watched for what they do next; the one attacked longest ago makes room."""


class Weaknesses:
    """Asks the catalogue about versions, and remembers attacks for a while."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._attacked: OrderedDict[str, tuple[Attack, int, Evidence]] = OrderedDict()
        self.forgotten = 0
        """Attacked devices that made room."""
        self.heeds_until_ns = 0
        """Until when it matters where attacked devices go."""

    def __len__(self) -> int:
        return len(self._attacked)

    def standing(self, device: Device, page: Page | None, now_ns: int, max_age_days: int | None) -> list[Notice]:
        """All that is wrong with the device's firmware now."""
        current = page.firmware.current if page is not None else None
        firmware = current.text if current is not None else device.firmware
        if firmware is None:
            return []
        matches = self._catalogue.vulnerabilities_of(device.vendor, device.model, firmware)
        version = versions.parse(device.vendor, firmware)
        found = (
            known_vulnerable.detect(device.name, device.vendor_name, device.model, firmware, matches),
            stale_firmware.detect(
                device.name,
                firmware,
                version.released if version is not None else None,
                current.first_ns if current is not None else None,
                now_ns,
                max_age_days,
            ),
        )
        return [notice for notice in found if notice is not None]

    def attacked(
        self, device: Device, fact: ExploitAttempt, sender: str, evidence: Evidence, ts_ns: int, *, on_site: bool
    ) -> Notice:
        """Somebody sent the device a request that is known to take devices over."""
        hole = self._catalogue.vulnerability(fact.key)
        matches = self._catalogue.vulnerabilities_of(device.vendor, device.model, device.firmware)
        match = next((each for each in matches if each.key == fact.key), None)
        attack = Attack(
            key=fact.key,
            name=hole.name if hole is not None else "",
            kev=hole.kev if hole is not None else None,
            device=device.name,
            sender=sender,
            on_site=on_site,
            uri=fact.uri,
            in_range=True if match is not None and match.certain else None,
        )
        self._attacked[device.key] = (attack, ts_ns, evidence)
        self._attacked.move_to_end(device.key)
        self.heeds_until_ns = max(self.heeds_until_ns, ts_ns + AFTER_NS)
        if len(self._attacked) > MAX_ATTACKED:
            self._attacked.popitem(last=False)
            self.forgotten += 1
        return exploit_attempt.detect(attack, evidence)

    def called(self, contact: Contact, ts_ns: int) -> Notice | None:
        """An attacked device goes somewhere for the first time, soon afterwards."""
        attack, attacked_ns, evidence = self._attacked.get(contact.device.key, (None, 0, None))
        if attack is None or not attacked_ns <= contact.first_ns <= ts_ns or contact.first_ns - attacked_ns > AFTER_NS:
            return None
        del self._attacked[contact.device.key]
        name = contact.names[0] if contact.names else contact.verdict.operator
        return exploit_attempt.detect(structs.replace(attack, called=name), evidence)
