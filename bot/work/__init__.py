"""Wanted work: the queue in the database and its intake."""
