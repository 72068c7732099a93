"""TODO agents/dev"""
