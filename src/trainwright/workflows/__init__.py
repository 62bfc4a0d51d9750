"""Workflows: one function a command, the recipe of the work, readable aloud.

Comes in:   what a person asked for
Goes out:   a run on disk, answers, a report
May import: every room below
Read next:  train.py
Example:    train("digits", epochs=3).metrics["test_accuracy"]
"""
