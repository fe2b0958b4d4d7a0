"""What a change cost: pure functions over plain values, without I/O, clock, environment or framework."""
