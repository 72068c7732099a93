"""TODO agents/replay/backfill"""
