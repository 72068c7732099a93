"""TODO agents/live"""
