"""Caps in the tools: work over its cap is refused before it costs more. `hook` decides by figures that the other modules write."""
