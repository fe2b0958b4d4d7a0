"""The shell around `attribution`: facts from GitHub and from collectors in, comments out. Holds the database and the clock."""
