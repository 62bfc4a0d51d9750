"""A measured share with its interval on a line from nothing to everything."""

from __future__ import annotations

from markupsafe import Markup

from ..wording import interval, percent

WIDTH, HEIGHT, EDGE = 420, 46, 8
LABEL, ZERO, FULL = 205, 14, 46
"""Widths of the words under the line, with the space around them, so that none is written over another."""


def whisker_chart(share: float, low: float, high: float, guess: float, pictures: int) -> Markup:
    """Draws the share as a dot, its interval as a bar through it, and what guessing would score as a tick.

    Args:
        share: measured accuracy, 0 to 1.
        low, high: its 95 % interval.
        guess: what always answering the most frequent class would score.
        pictures: how many were looked at; decides the decimals.
    """
    x, a, b, g = (round(EDGE + value * (WIDTH - 2 * EDGE), 1) for value in (share, low, high, guess))
    spoken = (
        f"On a line from 0 to 100 %: measured {percent(share, pictures)}, "
        f"95 % interval {interval(low, high, pictures)}, "
        f"always the most frequent answer {percent(guess, pictures)}."
    )
    anchor = "start" if guess < 0.5 else "end"
    label = "always the most frequent answer" if 0.04 < guess < 0.96 else ""
    left, right = (g, g + LABEL) if anchor == "start" else (g - LABEL, g)
    return Markup(
        '<svg class="whisker" viewBox="0 0 {w} {h}" role="img" aria-label="{spoken}"><title>{spoken}</title>'
        '<path class="track" d="M{e} 14H{r}"/><path class="guess" d="M{g} 6V22"/><path class="range" d="M{a} 14H{b}"/>'
        '<path class="measured" d="M{x} 5V23"/>'
        '<text class="tick" x="{e}" y="40" text-anchor="start">{zero}</text>'
        '<text class="tick" x="{t}" y="40" text-anchor="{anchor}">{label}</text>'
        '<text class="tick" x="{r}" y="40" text-anchor="end">{full}</text></svg>'
    ).format(
        w=WIDTH,
        h=HEIGHT,
        spoken=spoken,
        e=EDGE,
        r=WIDTH - EDGE,
        g=g,
        a=a,
        b=max(b, a + 1),
        x=x,
        t=g,
        anchor=anchor,
        label=label,
        zero="" if label and left < EDGE + ZERO else "0",
        full="" if label and right > WIDTH - EDGE - FULL else "100 %",
    )
