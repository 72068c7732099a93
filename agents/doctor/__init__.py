"""TODO agents/doctor"""
