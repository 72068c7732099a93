"""TODO agents/config"""
