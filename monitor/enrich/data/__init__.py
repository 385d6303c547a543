"""The embedded address databases, and the recipe they are built by. What they are: README.md."""
