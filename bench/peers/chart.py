"""A bar chart as SVG, for light and dark backgrounds. The scale is logarithmic where the longest would hide the others."""

import collections
import math
from xml.sax.saxutils import escape

# value: what the bar's length stands for; note: what is written behind it; ours: whether it is drawn in colour.
Bar = collections.namedtuple("Bar", "label value note ours")

WIDTH = 820
LABELS = 290  # where the bars begin
NOTES = 150  # room behind the longest bar
ROW = 26
TOP = 58
MOST_LINEAR = 30  # the longest, of the shortest


def draw(title, subtitle, bars):
    high = max(bar.value for bar in bars)
    low = min(bar.value for bar in bars)
    room = WIDTH - LABELS - NOTES
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
        "  <style>",
        "    text { font: 13px system-ui, sans-serif; fill: #1f2328; }",
        "    .title { font-size: 17px; font-weight: 600; }",
        "    .subtitle, .other-note { fill: #656d76; }",
        "    .other { fill: #b6bec8; }",
        "    .mark { stroke: #ffffff; stroke-width: 1.5; }",
        "    .ours { fill: #6f42c1; }",
        "    .ours-label { font-weight: 600; }",
        "    @media (prefers-color-scheme: dark) {",
        "      text { fill: #e6edf3; }",
        "      .subtitle, .other-note { fill: #9198a1; }",
        "      .other { fill: #484f58; }",
        "      .mark { stroke: #0d1117; }",
        "      .ours { fill: #a371f7; }",
        "    }",
        "  </style>",
        f'  <text class="title" x="8" y="22">{escape(title)}</text>',
        f'  <text class="subtitle" x="8" y="42">{escape(subtitle)}</text>',
    ]
    for i, (bar, length) in enumerate(zip(bars, lengths)):
        y = TOP + ROW * i
        name = "ours" if bar.ours else "other"
        lines += [
            f'  <text class="{name}-label" x="{LABELS - 8}" y="{y + 14}" text-anchor="end">{escape(bar.label)}</text>',
            f'  <rect class="{name}" x="{LABELS}" y="{y}" width="{length:.1f}" height="18" rx="3"/>',
            f'  <text class="{name}-note" x="{LABELS + length + 8:.1f}" y="{y + 14}">{escape(bar.note)}</text>',
        ]
        lines += [f'  <path class="mark" d="M{LABELS + x:.1f} {y}v18"/>' for x in marks if x < length]
    return "\n".join(lines + ["</svg>", ""])
