"""TODO streams/http"""
