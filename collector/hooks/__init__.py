"""Hooks that make a push happen by itself and tie commits to sessions: what would change, changing it, and undoing it exactly.

Nothing is touched that is not named first; what is replaced is kept beside, and given back byte by byte.
"""
