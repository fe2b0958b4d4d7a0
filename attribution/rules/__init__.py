"""What ties a request to a pull request: one module for each kind of evidence. `attribution.attribute` puts the rules in order."""
