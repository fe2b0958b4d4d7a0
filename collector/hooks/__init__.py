"""Hooks that push automatically and tie commits to sessions: planning the changes, making them, and undoing them exactly.

Every change is named before it is made. A file that is replaced is backed up beside, and restored byte by byte.
"""
