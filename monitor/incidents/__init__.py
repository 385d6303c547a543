"""Incidents: identity, life, severity and words of what the detectors found."""
