"""What is kept as evidence, and how much of it."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

MIB: Final = 1024 * 1024


class EvidenceConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Files in the folder ``evidence`` of the state directory; without a state directory nothing is kept."""

    packets: bool = True
    """The packets that led to an incident: headers, names and greetings, never media, never credentials."""
    images: bool = False
    """Firmware images that pass complete."""
    max_mib: Annotated[int, Meta(ge=8, le=1_048_576)] = 1024
    """Room for all of it; the oldest files go first."""
    image_mib: Annotated[int, Meta(ge=1, le=65_536)] = 128
    """Room for images that pass at present or that no incident names, and so the largest that is kept."""

    @property
    def packet_bytes(self) -> int:
        """Room for packets: all, or a quarter where images are kept beside them."""
        return self.max_mib * MIB // (4 if self.images else 1)

    @property
    def waiting_bytes(self) -> int:
        """Room for images that no incident names yet."""
        return self.image_mib * MIB if self.images else 0

    @property
    def image_bytes(self) -> int:
        """Room for images that an incident names."""
        return self.max_mib * MIB - self.packet_bytes - self.waiting_bytes


def check(config: EvidenceConfig) -> None:
    """ValueError, with the key in it, if an image that may pass would find no room."""
    if config.images and config.image_bytes < config.waiting_bytes:
        most = config.max_mib * 3 // 8
        msg = f"evidence.image_mib: at most {most}, three eighths of evidence.max_mib"
        raise ValueError(msg)
