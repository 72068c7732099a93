"""The page and its store: what was said, as HTML and JSON, on loopback."""
