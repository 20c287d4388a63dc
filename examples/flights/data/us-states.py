#!/usr/bin/env python3
"""Turns us-atlas (npm, ISC licence) into the small us-states.json that the map draws.

    npm pack us-atlas@3.0.1 && tar xzf us-atlas-3.0.1.tgz
    python3 us-states.py package/states-albers-10m.json > us-states.json

Arcs are simplified before they are stitched into rings, so neighbours keep sharing a border.
Coordinates are tenths of the source's 975 x 610 viewport: x, y, then differences.
"""
import json
import sys

TOLERANCE = 0.45  # viewport units; what the eye does not see at 960 px
SMALLEST = 1.2    # square units; islets below are left out

POSTAL = dict(p.split(":") for p in (
    "01:AL 02:AK 04:AZ 05:AR 06:CA 08:CO 09:CT 10:DE 11:DC 12:FL 13:GA 15:HI 16:ID 17:IL 18:IN 19:IA 20:KS "
    "21:KY 22:LA 23:ME 24:MD 25:MA 26:MI 27:MN 28:MS 29:MO 30:MT 31:NE 32:NV 33:NH 34:NJ 35:NM 36:NY 37:NC "
    "38:ND 39:OH 40:OK 41:OR 42:PA 44:RI 45:SC 46:SD 47:TN 48:TX 49:UT 50:VT 51:VA 53:WA 54:WV 55:WI 56:WY").split())


def decode(topology):
    (kx, ky), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * kx + tx, y * ky + ty))
        yield points


def off(p, a, b):
    dx, dy = b[0] - a[0], b[1] - a[1]
    n = dx * dx + dy * dy
    t = 0 if n == 0 else max(0, min(1, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / n))
    return ((p[0] - a[0] - t * dx) ** 2 + (p[1] - a[1] - t * dy) ** 2) ** 0.5


def simplify(points):
    if len(points) < 3:
        return points
    worst, at = max((off(p, points[0], points[-1]), i) for i, p in enumerate(points[1:-1], 1))
    if points[0] == points[-1]:  # a ring has no chord: split it at its farthest point
        worst = TOLERANCE + 1
    if worst <= TOLERANCE:
        return [points[0], points[-1]]
    return simplify(points[: at + 1])[:-1] + simplify(points[at:])


def area(ring):
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:]))) / 2


def main():
    topology = json.load(open(sys.argv[1]))
    arcs = [simplify(a) for a in decode(topology)]
    states = {}
    for g in topology["objects"]["states"]["geometries"]:
        polygons = [g["arcs"]] if g["type"] == "Polygon" else g["arcs"]
        rings = []
        for ids in (ring for polygon in polygons for ring in polygon):
            ring = []
            for i in ids:
                arc = arcs[i] if i >= 0 else arcs[~i][::-1]
                ring += arc if not ring else arc[1:]
            if area(ring) < SMALLEST:
                continue
            flat, px, py = [], 0, 0
            for x, y in ring[:-1]:
                x, y = round(x * 10), round(y * 10)
                flat += [x - px, y - py]
                px, py = x, y
            rings.append(flat)
        states[POSTAL[g["id"]]] = rings
    print("{")
    print(",\n".join(f'"{k}":' + json.dumps(v, separators=(",", ":")) for k, v in sorted(states.items())))
    print("}")


main()
