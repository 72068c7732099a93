"""TODO streams/news/wires"""
