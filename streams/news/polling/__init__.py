"""TODO streams/news/polling"""
