import argparse, json

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--momentum", type=float)
args = parser.parse_args()
x, velocity = 5.0, 0.0
for step in range(30):  # gradient descent on x * x
    velocity = args.momentum * velocity - args.lr * 2 * x
    x += velocity
    print(json.dumps({"step": step, "loss": x * x}))
