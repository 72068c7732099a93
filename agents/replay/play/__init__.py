"""TODO agents/replay/play"""
