"""Ways out: incidents to MQTT and to JSON lines, numbers to Prometheus. A sink never meets the store."""
