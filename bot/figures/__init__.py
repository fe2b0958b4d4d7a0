"""Figures, as view models: the same for comments, issues, checks, reports and the API."""
