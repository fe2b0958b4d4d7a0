"""How right the attribution is, in dollars, on sessions whose pull request was recorded when the work was done."""
