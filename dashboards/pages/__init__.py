"""The Grafana dashboards, one file each; `page.py` is what they have in common."""
