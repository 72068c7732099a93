"""TODO agents/archive"""
