"""Flame graphs as SVG: how often each function was on the stack, callers below, the width its share of all samples."""
from xml.sax.saxutils import escape

WIDTH, ROW, MARGIN = 1200, 16, 30
# Narrower boxes, in pixels, are left out: nobody can see them, and they are most of the file.
NARROWEST = 1.2
LETTER = 6.2


class Frame:
    """A function in one place of the tree of calls."""

    def __init__(self, name):
        self.name, self.count, self.callees = name, 0, {}

    def add(self, stack, count):
        """`stack` has the outermost function first."""
        self.count += count
        if stack:
            self.callees.setdefault(stack[0], Frame(stack[0])).add(stack[1:], count)

    @property
    def depth(self):
        return 1 + max((frame.depth for frame in self.callees.values()), default=0)


def colour(name):
    """Warm ones for this project's code, blue for the kernel, grey for other libraries."""
    shade = sum(name.encode()) % 40
    if name.endswith("_[k]"):
        return f"rgb({110 + shade},{150 + shade},{200 + shade})"
    if name.endswith("_[l]"):
        return f"rgb({180 + shade},{180 + shade},{180 + shade})"
    return f"rgb({215 + shade},{90 + 3 * shade},{60 + shade})"


def render(title, root):
    """The text of an SVG. Names end with _[k] in the kernel and _[l] in libraries; a title tells each share."""
    height = MARGIN + ROW * root.depth + 10
    parts = []

    def draw(frame, x, level):
        width = WIDTH * frame.count / root.count
        if width < NARROWEST:
            return
        y = height - 10 - ROW * (level + 1)
        name = frame.name.removesuffix("_[k]").removesuffix("_[l]")
        label = name if len(name) * LETTER < width else name[:max(0, int(width / LETTER) - 1)] + "…"
        shown = f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(label)}</text>' if len(label) > 2 else ""
        parts.append(f'<g><title>{escape(name)}: {100 * frame.count / root.count:.1f} %</title><rect x="{x:.1f}" '
                     f'y="{y}" width="{width - 0.4:.1f}" height="{ROW - 1}" fill="{colour(frame.name)}"/>{shown}</g>')
        for callee in sorted(frame.callees.values(), key=lambda callee: callee.name):
            draw(callee, x, level + 1)
            x += WIDTH * callee.count / root.count

    draw(root, 0.0, 0)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" '
            f'font-size="10"><rect width="{WIDTH}" height="{height}" fill="white"/><text x="{WIDTH / 2}" y="20" '
            f'text-anchor="middle" font-size="14">{escape(title)}</text>{"".join(parts)}</svg>\n')
