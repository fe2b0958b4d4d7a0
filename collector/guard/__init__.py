"""Caps in the tools: what is over its cap is refused before it costs more. `hook` decides by figures that the rest makes."""
