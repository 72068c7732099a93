"""TODO agents/cli"""
