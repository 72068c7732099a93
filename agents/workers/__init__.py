"""TODO agents/workers"""
