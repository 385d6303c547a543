"""Brain and voice: observations, contacts, policy, detectors, incidents."""
