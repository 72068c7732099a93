"""TODO agents/feeds"""
