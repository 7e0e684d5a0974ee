"""What every room stands on: the loop thread, files, YAML with lines, gateways and tokens."""
