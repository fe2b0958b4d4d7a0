"""What ties a request to a pull request, a kind of evidence in each file. `attribution.share` puts them in order."""
