"""TODO streams/news/inbox"""
