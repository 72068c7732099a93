"""TODO agents/reacting/keeping"""
