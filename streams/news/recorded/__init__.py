"""TODO streams/news/recorded"""
