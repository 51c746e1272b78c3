# A small evolutionary search for `method: custom`: a child of one of the five best so far.
import json
import math
import random
import sys

begin, tried, results = {}, {}, []


def draw(p, rng, near=None):
    if p["kind"] == "categorical":
        return near if near is not None and rng.random() < 0.8 else rng.choice(p["values"])
    scale, back = (math.log, math.exp) if p["log"] else (float, float)
    low, high = scale(p["low"]), scale(p["high"])
    x = rng.uniform(low, high) if near is None else rng.gauss(scale(near), 0.1 * (high - low))
    x = min(max(back(min(max(x, low), high)), p["low"]), p["high"])
    return round(x) if p["kind"] == "int" else x


def propose(number):
    rng = random.Random(f"{begin['seed']} {number}")  # the same again after an interruption
    best = [c for _, _, c in sorted(results, key=lambda r: r[:2])[:5]]
    parent = rng.choice(best) if len(results) >= 8 else {}
    free = [p for p in begin["parameters"] if p["kind"] in ("float", "int", "categorical")]
    return {p["name"]: draw(p, rng, parent.get(p["name"])) for p in free}


for line in sys.stdin:
    (request, what), = json.loads(line).items()
    if request == "begin":
        begin = what
    elif request == "take":
        tried[what["number"]] = what["configuration"]
    elif request == "tell" and what["outcome"] == "finished":
        sign = -1 if begin["objectives"][0]["goal"] == "maximize" else 1
        results.append((sign * what["values"][0], what["number"], tried[what["number"]]))
    elif request == "ask":
        print(json.dumps({"configuration": propose(what)}), flush=True)
