"""The log scan: CPU time, wall time and memory against peers, on a home folder made for it."""
