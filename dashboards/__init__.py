"""What the operator sees: rules, alerts with their tests, and Grafana dashboards, all made here."""
