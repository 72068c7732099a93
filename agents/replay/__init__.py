"""TODO agents/replay"""
