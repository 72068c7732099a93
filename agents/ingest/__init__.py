"""TODO agents/ingest"""
