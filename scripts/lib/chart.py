"""Line charts as SVG, for figures that stand in docs/: no library, a few hundred bytes a line."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 40, 48
COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad")


def ticks(top, count=5):
    """Round values from 0 to at least `top`."""
    rough = top / count
    base = 10 ** math.floor(math.log10(rough))
    step = next(base * factor for factor in (1, 2, 2.5, 5, 10) if base * factor >= rough)
    return [step * number for number in range(math.ceil(top / step) + 1)]


def line_chart(title, x_title, y_title, series):
    """The text of an SVG. `series` maps a name to its [(x, y)], 0 < x on a logarithmic scale, 0 <= y."""
    xs = sorted({x for points in series.values() for x, _ in points})
    marks = ticks(max(y for points in series.values() for _, y in points))
    low, high = math.log(xs[0]), math.log(xs[-1])

    def place(x, y):
        across = (math.log(x) - low) / ((high - low) or 1)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / marks[-1] * (HEIGHT - TOP - BOTTOM)

    def text(x, y, words, anchor="middle", extra=""):
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'

    parts = [text(LEFT, 22, title, "start", 'font-size="15"'),
             text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_title),
             text(16, (TOP + HEIGHT - BOTTOM) / 2, y_title,
                  extra=f'transform="rotate(-90 16 {(TOP + HEIGHT - BOTTOM) / 2:.1f})"')]
    for mark in marks:
        _, y = place(xs[0], mark)
        parts += [f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>', text(LEFT - 6, y + 4, f"{mark:g}", "end")]
    parts += [text(place(x, 0)[0], HEIGHT - BOTTOM + 18, f"{x:,}") for x in xs]
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [place(x, y) for x, y in sorted(points)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        parts.append(text(WIDTH - RIGHT + 12, TOP + 8 + 18 * number, name, "start", f'fill="{colour}"'))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>{"".join(parts)}</svg>\n')
