#!/usr/bin/env python3
"""Renders what a command printed as an SVG picture of a terminal: docs/images/.

    scripts/demo | scripts/lib/terminal-svg.py '$ scripts/demo' >docs/images/demo.svg

The first argument is put in front as the line that was typed. Nothing of the text is changed.
"""
import sys
from xml.sax.saxutils import escape

SIZE, WIDTH, HEIGHT, MARGIN = 13, 8, 18, 16
COLOURS = [
    # beginning of a line, colour
    ("$", "#7ee787"),
    ("accepted", "#7ee787"),
    ("rejected", "#ff7b72"),
    ("duplicate", "#d29922"),
    ("!", "#d29922"),
    ("every number", "#7ee787"),
]


def colour(text):
    return next((c for start, c in COLOURS if text.startswith(start)), "#e6edf3")


def picture(lines):
    width = int(max(map(len, lines)) * WIDTH + 2 * MARGIN) + 1
    height = len(lines) * HEIGHT + 2 * MARGIN
    yield ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
           'role="img" aria-label="terminal output">' % (width, height, width, height))
    yield '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>'
    yield ('<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" '
           'font-size="%d" xml:space="preserve" style="white-space: pre">' % SIZE)
    for number, line in enumerate(lines):
        text = line.lstrip()
        if text:
            # The length is given, so that columns stay in line with whatever font there is.
            yield ('<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs" fill="%s">%s'
                   '</text>' % (MARGIN + (len(line) - len(text)) * WIDTH, MARGIN + (number + 1) * HEIGHT - 5,
                                len(text) * WIDTH, colour(text), escape(text)))
    yield "</g>\n</svg>"


def main():
    lines = sys.argv[1:2] + [line.rstrip().expandtabs() for line in sys.stdin]
    print("\n".join(picture(lines)))


if __name__ == "__main__":
    main()
