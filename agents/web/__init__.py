"""TODO agents/web"""
