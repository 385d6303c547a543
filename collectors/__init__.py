"""Hands: bring bytes in and frame them; understand nothing."""
