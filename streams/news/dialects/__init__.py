"""Dialects: the bytes of one format into items. Pure; one file a format, a line in `registry`."""
