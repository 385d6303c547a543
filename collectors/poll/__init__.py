"""Asking devices what they are and can do: read-only, one file an interface."""
