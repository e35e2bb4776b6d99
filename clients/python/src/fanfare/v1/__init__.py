"""What generated from the proto: messages and raw stubs."""
