#!/usr/bin/env python3
"""Computes what flights_test.go expects, without any of the example's code: python3 expected.py > expected.json"""
import csv
import gzip
import hashlib
import json
import math
import os
from collections import defaultdict
from datetime import datetime, timedelta
from fractions import Fraction

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
rows = json.load(gzip.open(os.path.join(DATA, "flights-20k.json.gz")))
airports = {a["iata"]: a for a in csv.DictReader(open(os.path.join(DATA, "airports.csv"), encoding="utf-8"))}


def vector(code):
    lat, lon = (math.radians(float(airports[code][k])) for k in ("latitude", "longitude"))
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def miles(a, b):  # by the angle of two vectors, not by the haversine
    u, v = vector(a), vector(b)
    cross = math.hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
    return 3958.7613 * math.atan2(cross, sum(x * y for x, y in zip(u, v)))


rejects, kept, seen = [], [], set()
for n, r in enumerate(rows, 1):
    ends = (r["origin"], r["destination"])
    key = (r["date"],) + ends
    try:
        datetime.strptime(r["date"], "%Y/%m/%d %H:%M")
        dated = True
    except ValueError:
        dated = False
    reason = (
        "bad date" if not dated
        else "same airport" if ends[0] == ends[1]
        else "unknown airport" if any(e not in airports for e in ends)
        else "airport without a state" if any("NA" in (airports[e]["city"], airports[e]["state"]) for e in ends)
        else "impossible distance" if abs(miles(*ends) - r["distance"]) > 25
        else "implausible delay" if not -60 <= r["delay"] <= 1440
        else "repeated departure" if key in seen
        else None)
    if reason:
        rejects.append([n, reason])
        continue
    seen.add(key)
    kept.append(r)


def summary(group):
    delays = [r["delay"] for r in group]
    mean = Fraction(sum(delays), len(delays))
    return {"flights": len(group), "mean": round(float(mean), 9), "late": sum(d >= 15 for d in delays), "longest": max(delays)}


def grouped(key):
    groups = defaultdict(list)
    for r in kept:
        groups[key(r)].append(r)
    return {k: summary(g) for k, g in sorted(groups.items())}


def monday(date):  # the day on which the week of a day begins
    day = datetime.strptime(date, "%Y/%m/%d")
    return (day - timedelta(days=day.weekday())).strftime("%Y-%m-%d")


# Regions of the Census Bureau by postal codes.
REGION = {state: region for region, states in {
    "northeast": "CT ME MA NH RI VT NJ NY PA",
    "midwest": "IL IN MI OH WI IA KS MN MO NE ND SD",
    "south": "DE FL GA MD NC SC VA DC WV AL KY MS TN AR LA OK TX",
    "west": "AZ CO ID MT NV NM UT WY AK CA HI OR WA",
    "islands": "AS GU CQ MP PR VI",
}.items() for state in states.split()}


def worst(groups, least, n):
    known = [(s["mean"], k) for k, s in groups.items() if s["flights"] >= least]
    return [k for _, k in sorted(known, key=lambda p: (-p[0], p[1]))[:n]]


def best(groups, least, n):
    known = [(s["mean"], k) for k, s in groups.items() if s["flights"] >= least]
    return [k for _, k in sorted(known)[:n]]


hours = grouped(lambda r: str(int(r["date"][11:13])))
days = grouped(lambda r: r["date"][:10].replace("/", "-"))
origins = grouped(lambda r: r["origin"])
states = grouped(lambda r: airports[r["origin"]]["state"])
routes = grouped(lambda r: r["origin"] + "-" + r["destination"])
weeks = grouped(lambda r: monday(r["date"][:10]))
cells = grouped(lambda r: r["date"][:10].replace("/", "-") + "|" + REGION[airports[r["origin"]]["state"]])
delays = sorted(r["delay"] for r in kept)
packed = open(os.path.join(DATA, "flights-20k.json.gz"), "rb").read()
print(json.dumps({
    "size": len(packed), "sha256": hashlib.sha256(packed).hexdigest(),
    "raw": len(rows), "airports_listed": len(airports), "rejects": rejects,
    "total": summary(kept), "median": delays[(len(delays) - 1) // 2], "miles": sum(r["distance"] for r in kept),
    "airports": len({r["origin"] for r in kept} | {r["destination"] for r in kept}),
    "first": min(r["date"] for r in kept), "last": max(r["date"] for r in kept),
    "hours": hours, "days": days, "origins": origins, "states": states, "routes": routes, "weeks": weeks, "cells": cells,
    "worst_airports": worst(origins, 100, 12), "best_airports": best(origins, 100, 12),
    "worst_routes": worst(routes, 20, 12),
}, indent=None, separators=(",", ":")).replace('},"', '},\n"'))
