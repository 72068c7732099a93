"""TODO agents/evaluation"""
