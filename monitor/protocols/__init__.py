"""Sans-I/O parsers, one file a protocol: bytes in, facts out."""
