"""TODO agents/machine"""
