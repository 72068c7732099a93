"""TODO streams/news/dialects"""
