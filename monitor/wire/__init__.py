"""The hot path: one pass over every packet, compiled, in bounded memory."""
