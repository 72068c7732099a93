"""TODO agents/metrics"""
