"""Tuning: whatever trains or measures on purpose to learn about training.

Comes in:   a setup that is about to train, and its data
Goes out:   checks with verdict and evidence, findings
May import: errors, recipe, runs, data, models, training
Read next:  first_loss.py
Example:    check_first_loss(setup, data).passed
"""

from .first_loss import Check, check_first_loss

__all__ = ["Check", "check_first_loss"]
