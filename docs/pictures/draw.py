"""Draws the pictures of docs/pictures, for light and dark backgrounds: python3 docs/pictures/draw.py"""

import pathlib
import sys
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent.parent / "bench" / "peers"))

import chart  # noqa: E402

LINE = 17


class Picture:
    """Boxes, arrows and words. What is ours is in colour."""

    def __init__(self, name, title, width, height):
        self.name, self.size = name, (width, height)
        self.lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
            f"  <title>{escape(title)}</title>",
            *chart.style([
                "text { font: 13px system-ui, sans-serif; fill: [text]; }",
                ".ground { fill: [ground]; }",
                ".title { font-size: 17px; font-weight: 600; }",
                ".pale { fill: [pale]; }",
                ".head { font-weight: 600; }",
                "rect.box { fill: [ground]; stroke: [pale]; stroke-width: 1.2; }",
                "rect.ours { fill: [ground]; stroke: [ours]; stroke-width: 2; }",
                "rect.zone { fill: none; stroke: [other]; stroke-dasharray: 5 4; }",
                "path { fill: none; stroke: [pale]; stroke-width: 1.5; }",
                "path.ours { stroke: [ours]; stroke-width: 2; }",
                "path.tip { fill: [pale]; stroke: none; }",
                "path.tip-ours { fill: [ours]; stroke: none; }",
            ]),
            "  <defs>",
            *(
                f'    <marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path class="{name}" d="M0 0L8 4L0 8z"/></marker>'
                for name in ("tip", "tip-ours")
            ),
            "  </defs>",
            f'  <rect class="ground" width="{width}" height="{height}" rx="6"/>',
        ]
        self.words(16, 26, title, "title")

    def words(self, x, y, text, kind="", anchor="start"):
        for i, line in enumerate(text.split("\n")):
            where = "" if anchor == "start" else f' text-anchor="{anchor}"'
            self.lines.append(f'  <text class="{kind}" x="{x}" y="{y + LINE * i}"{where}>{escape(line)}</text>')

    def zone(self, x, y, width, height, text):
        self.lines.append(f'  <rect class="zone" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>')
        self.words(x + 10, y + 19, text, "pale")

    def box(self, x, y, width, height, text, is_ours=False):
        """A box with its words in the middle; the first line is its head when there are more."""
        lines = text.split("\n")
        for line in lines:
            assert chart.width_of(line) <= width - 8, f"{self.name}: '{line}' is wider than its box"
        assert LINE * len(lines) <= height, f"{self.name}: '{text}' is higher than its box"
        self.lines.append(f'  <rect class="{"ours" if is_ours else "box"}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>')
        top = y + (height - LINE * len(lines)) / 2 + 13
        for i, line in enumerate(lines):
            kind = "head" if i == 0 and len(lines) > 1 else ""
            self.lines.append(f'  <text class="{kind}" x="{x + width / 2:g}" y="{top + LINE * i:g}" text-anchor="middle">{escape(line)}</text>')

    def arrow(self, way, is_ours=False):
        name, tip = ("ours", "tip-ours") if is_ours else ("", "tip")
        points = " L".join(f"{x} {y}" for x, y in way)
        self.lines.append(f'  <path class="{name}" d="M{points}" marker-end="url(#{tip})"/>')

    def write(self):
        (HERE / f"{self.name}.svg").write_text("\n".join(self.lines + ["</svg>", ""]))


def switch():
    picture = Picture("switch", "A switch from greenlet A to greenlet B", 800, 356)
    picture.zone(16, 44, 230, 296, "stack of A: runs, then is parked")
    picture.zone(554, 44, 230, 296, "stack of B: parked, then runs")
    picture.box(36, 76, 190, 52, "your code\nB.Switch(value)")
    picture.box(36, 150, 190, 72, "checks, managed\nsame thread? suspended?\nno kill pending?")
    picture.box(36, 250, 190, 70, "A's frames stay here,\nlinked so that the\ncollector finds them")
    picture.box(268, 76, 264, 244, "")
    picture.words(400, 100, "one native call, no transition:", "head", "middle")
    picture.words(400, 117, "no collection sees half of it", "pale", "middle")
    picture.box(284, 134, 232, 46, "1  relink\nA into the chain, B out", True)
    picture.box(284, 194, 232, 46, "2  exchange\nframe chain, stack limits", True)
    picture.box(284, 254, 232, 46, "3  exchange\nregisters and stack pointer", True)
    picture.box(574, 76, 190, 52, "B goes on\nSwitch returns value")
    picture.box(574, 250, 190, 70, "B's frames,\nas it left them")
    picture.arrow([(131, 128), (131, 150)])
    picture.arrow([(226, 186), (246, 186), (246, 157), (284, 157)], True)
    picture.arrow([(400, 180), (400, 194)], True)
    picture.arrow([(400, 240), (400, 254)], True)
    picture.arrow([(516, 277), (544, 277), (544, 102), (574, 102)], True)
    picture.write()


def park():
    picture = Picture("park", "A parked stack under the collector", 800, 320)
    picture.box(16, 64, 190, 72, "a carrier's record\na thread of the runtime\nthat blocks for ever")
    picture.arrow([(206, 100), (262, 100)], True)
    for i, (number, words) in enumerate(((1, "your frames"), (2, "your frames"), (3, "your frames"))):
        x = 250 + 184 * i
        picture.zone(x, 44, 164, 176, f"stack of greenlet {number}")
        picture.box(x + 12, 76, 140, 48, "anchor\nsaved registers", True)
        picture.box(x + 12, 132, 140, 34, words)
        picture.box(x + 12, 174, 140, 34, "terminator", True)
        picture.arrow([(x + 82, 124), (x + 82, 132)], True)
        picture.arrow([(x + 82, 166), (x + 82, 174)], True)
        if i < 2:
            picture.arrow([(x + 152, 191), (x + 174, 191), (x + 174, 100), (x + 196, 100)], True)
    picture.box(16, 236, 190, 66, "the collector\nwalks that thread,\nas any other")
    picture.arrow([(111, 236), (111, 136)])
    picture.box(250, 244, 532, 52, "objects\nmoved as it likes; references in parked frames are updated")
    picture.arrow([(206, 270), (250, 270)])
    picture.write()


def hub_turn():
    picture = Picture("hub-turn", "A turn of a hub, on one thread", 800, 400)
    picture.box(16, 60, 220, 56, "other threads\nring, and ask")
    picture.box(300, 60, 220, 56, "inbox\nmoved to the run queue", True)
    picture.box(300, 140, 220, 56, "timers\nthose due wake their tasks", True)
    picture.box(300, 220, 220, 56, "run queue\nswitch to each task, once", True)
    picture.box(580, 196, 204, 104, "a task\nruns until it waits for\na socket, event, time;\nthen switches back")
    picture.box(300, 318, 220, 64, "ready sockets\nnobody can go on? sleep\nuntil one is, or a timer", True)
    picture.box(16, 318, 220, 64, "the system\nepoll: one call\nfor all that wait")
    picture.arrow([(236, 88), (300, 88)])
    picture.arrow([(410, 116), (410, 140)], True)
    picture.arrow([(410, 196), (410, 220)], True)
    picture.arrow([(520, 238), (580, 238)])
    picture.arrow([(580, 262), (520, 262)])
    picture.arrow([(410, 276), (410, 318)], True)
    picture.arrow([(236, 342), (300, 342)])
    picture.arrow([(300, 360), (236, 360)])
    picture.arrow([(330, 318), (330, 300), (268, 300), (268, 106), (300, 106)], True)
    picture.write()


def request():
    picture = Picture("request", "A request in ASP.NET Core", 800, 330)
    picture.zone(16, 44, 176, 270, "threads of the server")
    picture.zone(212, 44, 376, 270, "one hub, one thread")
    picture.zone(608, 44, 176, 270, "outside")
    picture.box(30, 80, 148, 60, "Kestrel\nreads the request")
    picture.box(228, 80, 164, 60, "UseGreenlets\na greenlet for it", True)
    picture.box(424, 80, 148, 60, "your handler\nsynchronous code")
    picture.box(622, 80, 148, 60, "database\nis asked")
    picture.box(424, 164, 148, 60, "parked\nholds no thread", True)
    picture.box(228, 164, 164, 60, "the hub\nruns other requests", True)
    picture.box(622, 164, 148, 60, "database\nanswers")
    picture.box(424, 244, 148, 56, "your handler\nreturns")
    picture.box(30, 244, 148, 56, "Kestrel\nsends the response")
    picture.arrow([(178, 110), (228, 110)])
    picture.arrow([(392, 110), (424, 110)], True)
    picture.arrow([(572, 110), (622, 110)])
    picture.arrow([(498, 140), (498, 164)], True)
    picture.arrow([(424, 194), (392, 194)], True)
    picture.arrow([(696, 140), (696, 164)])
    picture.arrow([(622, 194), (572, 194)])
    picture.arrow([(498, 224), (498, 244)], True)
    picture.arrow([(424, 272), (178, 272)])
    picture.write()


if __name__ == "__main__":
    for draw in (switch, park, hub_turn, request):
        draw()
