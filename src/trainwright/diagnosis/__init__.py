"""Diagnosis: columns of numbers become findings, in the order in which a person should read them. No torch.

Comes in:   the history of a run, and what is known of it beside
Goes out:   findings with their evidence and advice; what was looked at, and what could not be
May import: errors, recipe, runs
Read next:  course.py and suspicion.py, then diagnose.py, then the rules
Example:    diagnose(history, Known()).findings
"""
