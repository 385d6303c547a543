"""The capability ledger: what each device supports, has enabled and does, and the firmware that it runs."""
