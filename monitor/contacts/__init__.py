"""Contacts: what each device has with each remote end."""
