"""Dashboards as code: Grafana's JSON is made here and committed beside; rules and examples are files of their own."""
