"""The nouns that rooms hand to each other. Immutable unless a class says who owns it."""
