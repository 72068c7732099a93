"""TODO agents/reacting/tapes"""
