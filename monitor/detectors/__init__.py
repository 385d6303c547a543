"""Detectors: one threat a file."""
