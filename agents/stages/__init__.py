"""TODO agents/stages"""
