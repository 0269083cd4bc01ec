"""Draws docs/switch-instructions.svg from counts.json, where what run.sh counted is written down: python3 picture.py"""

import json
import pathlib
import sys
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "peers"))

import chart  # noqa: E402

PICTURE = HERE.parent.parent / "docs" / "switch-instructions.svg"
WIDTH, LEFT, RIGHT = 760, 12, 28
COLORS = ["#6f9fd0", "#9ecae9", "#c9a0be", "#f58518", "#6fbf66", "#f0817f"]  # dark letters can be read on each


def draw(about):
    scale = (WIDTH - LEFT - RIGHT) / max(sum(row["counts"]) for row in about["rows"])
    height = 58 * len(about["rows"]) + 120
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"  <title>{escape(about['title'])}</title>",
        *chart.style([
            "text { font: 13px system-ui, sans-serif; fill: [text]; }",
            ".ground { fill: [ground]; }",
            ".title { font-size: 17px; font-weight: 600; }",
            ".count { font-size: 12px; fill: #1f2328; text-anchor: middle; }",
            ".part { stroke: [ground]; }",
        ]),
        f'  <rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>',
        f'  <text class="title" x="{LEFT}" y="24">{escape(about["title"])}</text>',
    ]
    for i, row in enumerate(about["rows"]):
        y = 56 + 58 * i
        x = LEFT
        lines.append(f'  <text x="{LEFT}" y="{y}">{escape(row["what"])}: {sum(row["counts"])}</text>')
        for count, color in zip(row["counts"], COLORS):
            width = count * scale
            if count:
                lines.append(f'  <rect class="part" x="{x:.1f}" y="{y + 6}" width="{width:.1f}" height="24" fill="{color}"/>')
            if width > chart.width_of(str(count), 12):
                lines.append(f'  <text class="count" x="{x + width / 2:.1f}" y="{y + 22}">{count}</text>')
            x += width
    for i, (part, color) in enumerate(zip(about["parts"], COLORS)):
        x, y = LEFT + WIDTH // 2 * (i % 2), 58 * len(about["rows"]) + 56 + 20 * (i // 2)
        lines.append(f'  <rect x="{x}" y="{y - 11}" width="12" height="12" fill="{color}"/><text x="{x + 20}" y="{y}">{escape(part)}</text>')
    return "\n".join(lines + ["</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(draw(json.loads((HERE / "counts.json").read_text())))
