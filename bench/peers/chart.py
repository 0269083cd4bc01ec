"""A bar chart as SVG, for light and dark backgrounds. The scale is logarithmic where the longest would hide the others."""

import collections
import math
from xml.sax.saxutils import escape

# value: what the bar's length stands for; note: what is written behind it; ours: whether it is drawn in colour.
Bar = collections.namedtuple("Bar", "label value note ours")

WIDTH = 820
LETTER = 7.6  # a letter of 13 pixels at its widest among the fonts that readers have, on average
GAP = 8
ROW = 26
TOP = 58
MOST_LINEAR = 30  # the longest, of the shortest


# For every picture of the project: what is drawn in, whatever is behind the picture.
LIGHT = {"ground": "#ffffff", "text": "#1f2328", "pale": "#59636e", "other": "#b6bec8", "ours": "#6f42c1", "second": "#1a7f37", "third": "#0969da"}
DARK = {"ground": "#0d1117", "text": "#e6edf3", "pale": "#9198a1", "other": "#484f58", "ours": "#a371f7", "second": "#3fb950", "third": "#58a6ff"}


def style(rules):
    """A style sheet: the rules, with [ground], [text] and so on, for light and for dark."""

    def fill(colors, indent):
        return [indent + rule.replace("{", "{{").replace("}", "}}").replace("[", "{").replace("]", "}").format(**colors) for rule in rules]

    return ["  <style>", *fill(LIGHT, "    "), "    @media (prefers-color-scheme: dark) {", *fill(DARK, "      "), "    }", "  </style>"]


def width_of(text, size=13):
    return len(text) * LETTER * size / 13


def draw(title, subtitle, bars):
    high = max(bar.value for bar in bars)
    low = min(bar.value for bar in bars)
    labels = math.ceil(max(width_of(bar.label) for bar in bars)) + 2 * GAP  # where the bars begin
    room = WIDTH - labels - math.ceil(max(width_of(bar.note) for bar in bars)) - 2 * GAP
    marks = []  # in the bars; each is ten times the one before
    if high / low > MOST_LINEAR:
        first = math.floor(math.log10(low))
        decade = room / (math.log10(high) - first)
        lengths = [decade * (math.log10(bar.value) - first) for bar in bars]
        marks = [decade * i for i in range(1, math.floor(math.log10(high)) - first + 1)]
        subtitle += ", logarithmic scale: ten times as much from mark to mark"
    else:
        lengths = [room * bar.value / high for bar in bars]
    height = TOP + ROW * len(bars) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"  <title>{escape(title)}</title>",
        *style([
            "text { font: 13px system-ui, sans-serif; fill: [text]; }",
            ".ground { fill: [ground]; }",
            ".title { font-size: 17px; font-weight: 600; }",
            ".subtitle, .other-note { fill: [pale]; }",
            ".other { fill: [other]; }",
            ".mark { stroke: [ground]; stroke-width: 1.5; }",
            ".ours { fill: [ours]; }",
            ".ours-label { font-weight: 600; }",
        ]),
        f'  <rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>',
        f'  <text class="title" x="8" y="22">{escape(title)}</text>',
        f'  <text class="subtitle" x="8" y="42">{escape(subtitle)}</text>',
    ]
    for i, (bar, length) in enumerate(zip(bars, lengths)):
        y = TOP + ROW * i
        name = "ours" if bar.ours else "other"
        lines += [
            f'  <text class="{name}-label" x="{labels - GAP}" y="{y + 14}" text-anchor="end">{escape(bar.label)}</text>',
            f'  <rect class="{name}" x="{labels}" y="{y}" width="{length:.1f}" height="18" rx="3"/>',
            f'  <text class="{name}-note" x="{labels + length + GAP:.1f}" y="{y + 14}">{escape(bar.note)}</text>',
        ]
        lines += [f'  <path class="mark" d="M{labels + x:.1f} {y}v18"/>' for x in marks if x < length]
    return "\n".join(lines + ["</svg>", ""])
