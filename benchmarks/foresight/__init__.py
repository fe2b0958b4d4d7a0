"""What comes of the runaway rule and of forecasts when they are played over recorded history."""
