"""TODO agents/broker"""
