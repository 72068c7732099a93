"""TODO agents/replay/kafka"""
