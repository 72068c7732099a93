"""Headline sources: bytes of feeds and files into Headlines."""
