"""Scenario captures: made-up traffic with real shapes, and what must be found in it."""
