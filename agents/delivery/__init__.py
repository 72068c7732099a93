"""TODO agents/delivery"""
