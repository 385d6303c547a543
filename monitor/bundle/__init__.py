"""Signed bundles of address data and catalogue rows, for sites that nothing is fetched to."""
