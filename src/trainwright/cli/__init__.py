"""Command line: words become calls of workflows. No logic of its own.

Comes in:   the words after `trainwright`
Goes out:   text for a person, or one JSON object; an exit code
May import: workflows, and only inside the command that needs it, so that `--help` is instant
Read next:  main.py
Example:    trainwright train digits --epochs 5
"""
