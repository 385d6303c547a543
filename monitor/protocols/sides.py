"""Which side of a flow serves, where a protocol's bytes do not say."""

from __future__ import annotations


def role(sport: int, dport: int, well_known: frozenset[int]) -> str:
    """Role of the sender: a well-known port serves, else the lower one does; "unknown" where they are alike."""
    if (sport in well_known) != (dport in well_known):
        return "server" if sport in well_known else "client"
    if sport == dport:
        return "unknown"
    return "server" if sport < dport else "client"
