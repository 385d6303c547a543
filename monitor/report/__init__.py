"""Report: what a journal proves of each device, for a reader who is no engineer. One HTML file, nothing beside it."""
