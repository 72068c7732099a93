"""Price sources: files and vendor messages into tick rows."""
