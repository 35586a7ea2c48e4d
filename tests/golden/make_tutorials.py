#!/usr/bin/env python3
"""What the five tutorials print under PyTorch, cell by cell: tests/golden/tutorials/*.txt.

The cells are numbered as in the programs of examples/tutorials, which run the same steps from the same seed (0). Where the
tutorial shows only a picture, the numbers behind it are printed, as the programs do. crop_yields starts from the
tutorial's own weights; crop_yields_seed_1 draws them. Made with PyTorch 1.13 and NumPy 1.24:

    python3 tests/golden/make_tutorials.py
"""
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tutorials")


def cell(number):
    print(f"\n[{number}]")


def inside(t):
    return repr(t).replace("\n", "\n ")


def raises(kind, do):
    try:
        do()
    except Exception as error:
        print(f"{kind}: {str(error).split(' Hint')[0].split(' (or directly')[0].rstrip('.')}")
        return
    sys.exit(f"{kind} expected")


def pair(name, data):
    for i in (0, 1, 2, 99):
        print(f"{name}[{i}] = {data[i]}")
    print("sum", data.sum())


def basics():
    cell("0.1")
    x = np.random.randn(20)
    y = np.random.randn(20)
    print(np.dot(x, y))
    cell("0.2")
    print("'0.1.0'")
    cell("0.3")
    x = torch.randn(20)
    y = torch.randn(20)
    print(torch.dot(x, y))
    cell("0.4")
    a = np.random.randn(20)
    print(torch.from_numpy(a))
    cell("0.5")
    print(torch.from_numpy(a).float())
    cell("0.6")
    b = torch.randn(20)
    print(repr(b.numpy()))
    cell("0.7")
    cell("0.8")
    x = x.cpu()
    y = y.cpu()
    cell("0.9")
    device = torch.device("cpu")
    print(device)
    cell("0.10")
    x.requires_grad = True
    cell("0.11")
    z = torch.sum(x - y)
    print(f"Output of the forward pass: {z}")
    cell("0.12")
    z.backward()
    print(f"Gradient information of x: {x.grad}")
    cell("0.13")
    print(f"Gradient information of y: {y.grad}")
    for number in ("0.14", "0.15"):
        cell(number)
        if number == "0.15":
            x.grad.zero_()
        z = torch.sum(x - y)
        print(f"Output of the forward pass: {z}")
        z.backward()
        print(f"Gradient information of x: {x.grad}")
        print(f"Gradient information of y: {y.grad}")
    cell("0.16")
    with torch.no_grad():
        print(torch.sum(x - y))
    cell("0.17")
    raises("RuntimeError", lambda: x.numpy())
    cell("0.18")
    print(repr(x.detach().numpy()))

    theta_true = [0.3, 0.1]
    N = 100
    cell("0.19")
    np.random.seed(1234)
    xt = np.random.uniform(size=N)
    yt = theta_true[0] + theta_true[1] * xt + 0.01 * np.random.randn(N)
    pair("xt", xt)
    pair("yt", yt)
    cell("0.20")
    cell("0.21")
    X = torch.stack([torch.ones(N), torch.from_numpy(xt).float()], dim=1)
    print(X.shape)
    cell("0.22")
    Y = torch.from_numpy(yt).float().view(-1, 1)
    print(Y.shape)
    cell("0.23")
    theta = torch.ones(2, 1, requires_grad=True)
    print(theta)
    cell("0.24")
    loss = (X.mm(theta) - Y).pow(2).mean()
    print(loss)
    cell("0.25")
    loss.backward()
    print(theta.grad)
    cell("0.26")
    with torch.no_grad():
        theta -= 0.1 * theta.grad
    print(theta)
    cell("0.27")
    print(theta.grad.zero_())
    cell("0.28")
    theta = torch.ones(2, 1, requires_grad=True)

    def train(forward, step):
        for i in range(1000):
            loss = (forward() - Y).pow(2).mean()
            if i == 0 or (i + 1) % 100 == 0:
                print(f"Epoch {i + 1:4d}: training loss {loss.item(): 9.6f}")
            loss.backward()
            step()

    def by_hand():
        with torch.no_grad():
            theta.sub_(0.1 * theta.grad)
            theta.grad.zero_()

    def by(optimizer):
        def step():
            optimizer.step()
            optimizer.zero_grad()

        return step

    train(lambda: X.mm(theta), by_hand)
    cell("0.29")
    print(theta)
    cell("0.30")
    cell("0.31")
    cell("0.32")
    theta = torch.ones(2, 1, requires_grad=True)
    train(lambda: X.mm(theta), by(torch.optim.SGD([theta], lr=0.1)))
    cell("0.33")
    affine = nn.Linear(1, 1)
    print("[" + ",\n ".join(inside(p) for p in affine.parameters()) + "]")
    cell("0.34")
    print(f"theta0: {affine.bias.data}")
    print(f"theta1: {affine.weight.data}")
    cell("0.35")
    X = torch.from_numpy(xt).float().view(-1, 1)
    print(affine(X))
    cell("0.36")
    affine = nn.Linear(1, 1)
    train(lambda: affine(X), by(torch.optim.SGD(affine.parameters(), lr=0.1)))
    cell("0.37")


def bootcamp():
    cell("1.1")
    print("a =", torch.tensor(42))
    print("a =", torch.tensor(42, dtype=torch.float32))
    scalar = torch.tensor(42.0)
    print("a =", scalar)
    cell("1.2")
    vector = torch.tensor([1.0, 2.0, 3.0])
    print("v =", vector)
    matrix = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    print("M =", matrix)
    cell("1.3")
    print("v + v =", vector + vector)
    print("v * v =", vector * vector)
    cell("1.4")
    print("a * v =", scalar * vector)
    print("M * v =", matrix * vector)
    cell("1.5")
    print("v @ v =", vector @ vector)
    print("M @ v =", matrix @ vector)
    cell("1.6")
    print("v^2 =", vector**2)
    print("exp(v) =", torch.exp(vector))
    print("sin(v) =", torch.sin(vector))
    cell("1.7")
    print(torch.tensor([2.0, 3.0], dtype=torch.complex64))
    print(torch.tensor([2 + 3j, 4 + 5j]))
    cell("1.8")
    w = torch.tensor(1.0, requires_grad=True)
    x = w + 1
    y = x**3
    z = torch.sin(y)
    for name, t in (("w:", w), ("x:", x), ("y:", y), ("z:", z)):
        print(name, t)
    cell("1.9")
    z.backward()
    print("dz/dw evaluated at w=1:", w.grad)
    cell("1.10")
    M = torch.randn(3, 3, requires_grad=True)
    v = torch.randn(3, requires_grad=True)
    (M @ v).sum().backward()
    print(M.grad)
    print(v.grad)
    cell("1.11")
    w = torch.tensor(1.0, requires_grad=True)
    x = w + 1
    x.retain_grad()
    y = x**3
    y.retain_grad()
    torch.sin(y).backward()
    print("x.grad:", x.grad)
    print("y.grad:", y.grad)
    print("w.grad:", w.grad)
    cell("1.12")
    w = torch.tensor(1.0, requires_grad=True)
    z = torch.sin((w + 1) ** 3)
    z.backward(retain_graph=True)
    z.backward()
    print("w.grad:", w.grad)
    raises("RuntimeError", lambda: z.backward())
    cell("1.13")
    w.grad.zero_()
    print("w.grad:", w.grad)
    torch.sin((w + 1) ** 3).backward()
    print("w.grad:", w.grad)
    cell("1.14")
    x = torch.tensor([1.0, 3.0, 2.0], requires_grad=True)
    place = torch.argmax(x)
    print(place, place.dtype, f"requires_grad={place.requires_grad}")
    raises("RuntimeError", lambda: place.backward())
    cell("1.15")
    raises("RuntimeError", lambda: x.add_(3))

    def assign():
        x[2] = 0

    raises("RuntimeError", assign)
    y = torch.exp(x)
    y += 1
    raises("RuntimeError", lambda: y.sum().backward())
    cell("1.16")
    x = torch.tensor(0.0, requires_grad=True)
    optim = torch.optim.SGD([x], lr=0.01)
    xs = []
    for i in range(500):
        xs.append(x.item())
        f = x**2 - 3 * x + 1
        if i == 0:
            print("f =", f)
        f.backward()
        optim.step()
        optim.zero_grad()
    for i in (0, 1, 2, 10, 100, 499):
        print(f"x_{i} = {xs[i]}")
    print(f"x = {x}")
    cell("1.17")
    cell("1.18")

    class MyLinearModel(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(2 * torch.rand(1) - 1)
            self.b = torch.nn.Parameter(2 * torch.rand(1) - 1)

        def forward(self, x):
            return self.w * x + self.b

    model = MyLinearModel()
    for p in model.named_parameters():
        print(p)
    cell("1.19")
    x = torch.rand(100)
    y = 2 * x + 1 + 0.3 * torch.randn(100)
    model = MyLinearModel()
    print("Initial parameters:")
    print("w =", model.w.item())
    print("b =", model.b.item())
    print()
    optim = torch.optim.SGD(model.parameters(), lr=0.01)
    mse_loss = torch.nn.MSELoss()
    for i in range(2000):
        w, b = model.w.item(), model.b.item()
        optim.zero_grad()
        mse_loss(model(x), y).backward()
        optim.step()
    print("Parameters after fitting:")
    print("w =", w)
    print("b =", b)
    cell("1.20")


def hidden_layer():
    cell("2.1")
    torch.set_default_dtype(torch.float32)
    print(torch.tensor(1.0).dtype)
    cell("2.2")
    X = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0])
    print(repr(X.numpy()))
    cell("2.3")
    print("min:", X.min().item())
    print("max:", X.max().item())
    print(X.max())
    cell("2.4")
    X.requires_grad = True
    f = (X**2).sum()
    print(f)
    cell("2.5")
    print("the old way of computing a gradient:", 2.0 * X.detach())
    cell("2.6")
    f.backward()
    print("the pytorch way of computing a gradient:", X.grad)

    cell("2.7")
    X = torch.randn(100, 10)
    y = torch.randn(100)
    w = torch.randn(10).requires_grad_()
    losses = []
    for ep in range(100):
        loss = ((X @ w - y) ** 2).mean()
        losses += [loss.item()]
        if w.grad is not None:
            w.grad.zero_()
        loss.backward()
        w.data -= 1e-1 * w.grad
    print(f"{len(losses)} losses from {losses[0]:.6f} to {losses[-1]:.6f}")
    cell("2.8")
    w_opt = torch.linalg.inv(X.T @ X) @ (X.T @ y)
    print("w_opt =", w_opt)
    print(f"residual of the normal equations: {(X.T @ (X @ w_opt - y)).abs().max().item():.1e}")
    print(f"largest difference of w: {(w_opt - w.detach()).abs().max().item():.1e}")

    X = torch.randn(100, 50)
    cell("2.9")
    y = 2.0 * torch.randint(2, size=(100,)) - 1
    print(y)
    cell("2.10")
    W = torch.randn(50, 11).requires_grad_()
    w = torch.randn(11).requires_grad_()
    print(w)
    cell("2.11")
    h = X @ W
    phi_h = torch.tanh(h)
    y_pred = phi_h @ w
    print(y_pred)
    cell("2.12")
    delta = y_pred - y
    loss = 0.5 * (delta**2).mean()
    with torch.no_grad():
        dphi_h = 1.0 - phi_h**2
        grad_W = (X.T @ (torch.outer(delta, w) * dphi_h)) / len(X)
        grad_w = (delta[:, None] * phi_h).mean(0)
    print(grad_w)
    cell("2.13")
    loss.backward()
    print("grad w is OK")  # as the tutorial shows; whether float32 agrees to 1e-8 is luck here, and for this seed it does here
    print("grad w is OK")
    assert torch.allclose(W.grad, grad_W, atol=1e-6) and torch.allclose(w.grad, grad_w, atol=1e-6)
    cell("2.14")
    cell("2.15")
    cell("2.16")
    losses = []
    for ep in range(5000):
        y_pred = torch.tanh(X @ W) @ w
        loss = 0.5 * ((y_pred - y) ** 2).mean()
        losses += [loss.item()]
        W.grad.zero_()
        w.grad.zero_()
        loss.backward()
        W.data -= 1e-1 * W.grad
        w.data -= 1e-1 * w.grad
    print(f"{len(losses)} losses from {losses[0]:.6f} to {losses[-1]:.6f}")


def line_fit():
    cell("3.1")
    a = np.array([1.0, 2.0])
    b = torch.from_numpy(a)
    c = b.numpy()
    b[0] = 7
    print(b)
    print(repr(a))
    c[1] = 8
    print(b)
    cell("3.2")
    t = torch.Tensor([0.8762])
    print(t)
    t.requires_grad = True
    print(t)
    cell("3.3")
    torch.sigmoid(t).backward()
    manual_grad = torch.sigmoid(t) * (1 - torch.sigmoid(t))
    print("torch grad: ", t.grad.item(), " manual gradient: ", manual_grad.item())
    cell("3.4")
    x = np.linspace(-1, 1, 100)
    print(repr(x))
    y_noise_free = 4 * x + 5 + 0.5
    y = y_noise_free + 0.5 * np.random.randn(100)
    cell("3.5")
    X_train = torch.tensor(x, dtype=torch.float32).unsqueeze(1)
    y_train = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
    print(X_train.shape)
    print(y_train.shape)
    cell("3.6")

    class Lin(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(1, 1)

        def forward(self, x):
            return self.net(x)

    model = Lin()
    print(model)
    cell("3.7")
    criterion = nn.MSELoss()
    print("Start training: ")
    cell("3.8")
    for epoch in range(5000):
        model.train()
        model.zero_grad()
        loss = criterion(model(X_train), y_train)
        loss.backward()
        with torch.no_grad():
            for param in model.parameters():
                param -= 0.005 * param.grad
        if (epoch + 1) % 500 == 0:
            print(f"Epoch {epoch+1}/5000 - Loss: {loss.item():.4f}")
    cell("3.9")


regions = [[73, 67, 43], [91, 88, 64], [87, 134, 58], [102, 43, 37], [69, 96, 70], [74, 66, 43], [91, 87, 65],
           [88, 134, 59], [101, 44, 37], [68, 96, 71], [73, 66, 44], [92, 87, 64], [87, 135, 57], [103, 43, 36],
           [68, 97, 70]]
yields = [[56, 70], [81, 101], [119, 133], [22, 37], [103, 119], [57, 69], [80, 102], [118, 132], [21, 38], [104, 118],
          [57, 69], [82, 100], [118, 134], [20, 38], [102, 120]]


def crop_yields(seeded=False):
    cell("4.1")
    t1 = torch.tensor(4.0)
    print(t1)
    print(t1.dtype)
    cell("4.2")
    t2 = torch.tensor([1.0, 2.0, 3.0, 4.0])
    t3 = torch.tensor([[5.0, 6], [7, 8], [9, 10]])
    t4 = torch.tensor([[[11, 12, 13], [13, 14, 15]], [[15, 16, 17], [17, 18, 19.0]]])
    for t in (t2, t3, t4):
        print(t)
    cell("4.3")
    for t in (t1, t2, t3, t4):
        print(t)
        print(t.shape)
    cell("4.4")
    raises("ValueError", lambda: torch.stack([torch.tensor([5.0, 6, 11]), torch.tensor([7.0, 8])]))
    cell("4.5")
    x = torch.tensor(3.0)
    w = torch.tensor(4.0, requires_grad=True)
    b = torch.tensor(5.0, requires_grad=True)
    print((x, w, b))
    cell("4.6")
    y = w * x + b
    print(y)
    y.backward()
    print("dy/dx:", x.grad)
    print("dy/dw:", w.grad)
    print("dy/db:", b.grad)
    cell("4.7")
    t6 = torch.full((3, 2), 42)
    print(t6)
    cell("4.8")
    t7 = torch.cat((t3, t6))
    print(t7)
    cell("4.9")
    print(torch.sin(t7))
    t8 = torch.cos(t7)
    print(t8)
    cell("4.10")
    print(t8.reshape(3, 2, 2))
    cell("4.11")
    x = np.array([[1, 2], [3, 4.0]])
    y = torch.from_numpy(x)
    print(repr(x))
    print(y)
    print((x.dtype, y.dtype))
    print(repr(y.numpy()))
    cell("4.12")
    inputs = torch.tensor(regions[:5], dtype=torch.float32)
    targets = torch.tensor(yields[:5], dtype=torch.float32)
    print(inputs)
    print(targets)
    cell("4.13")
    w = torch.randn(2, 3, requires_grad=True)
    b = torch.randn(2, requires_grad=True)
    if not seeded:
        w = torch.tensor([[0.5121, 0.0860, -0.1805], [1.3327, -1.7127, 0.5562]], requires_grad=True)
        b = torch.tensor([-0.5312, -1.3984], requires_grad=True)
    print(w)
    print(b)

    def model(x):
        return x @ w.t() + b

    def mse(t1, t2):
        diff = t1 - t2
        return torch.sum(diff * diff) / diff.numel()

    def adjust():
        with torch.no_grad():
            w.sub_(w.grad * 1e-5)
            b.sub_(b.grad * 1e-5)

    def reset():
        w.grad.zero_()
        b.grad.zero_()

    preds = model(inputs)
    print(preds)
    print(targets)
    cell("4.14")
    loss = mse(preds, targets)
    print(loss)
    cell("4.15")
    loss.backward()
    print(w.grad)
    print(w)
    cell("4.16")
    print(w.grad)
    adjust()
    print(mse(preds, targets))
    cell("4.17")
    reset()
    print(w.grad)
    print(b.grad)
    cell("4.18")
    preds = model(inputs)
    print(preds)
    loss = mse(preds, targets)
    print(loss)
    loss.backward()
    print(w.grad)
    print(b.grad)
    adjust()
    reset()
    print(w)
    print(b)
    cell("4.19")
    print(mse(model(inputs), targets))
    for _ in range(100):
        mse(model(inputs), targets).backward()
        adjust()
        reset()
    print(mse(model(inputs), targets))
    print(model(inputs))
    print(targets)

    inputs = torch.tensor(regions, dtype=torch.float32)
    targets = torch.tensor(yields, dtype=torch.float32)
    cell("4.20")
    train_ds = TensorDataset(inputs, targets)
    print("(" + ",\n ".join(inside(t) for t in train_ds[0:3]) + ")")
    cell("4.21")
    for xb, yb in DataLoader(train_ds, 5, shuffle=True):
        print(xb)
        print(yb)
        break
    cell("4.22")
    model = nn.Linear(3, 2)
    if not seeded:
        with torch.no_grad():
            model.weight.copy_(torch.tensor([[0.4824, 0.0354, 0.5314], [-0.3054, -0.4184, 0.3570]]))
            model.bias.copy_(torch.tensor([0.3742, -0.2385]))
    print(model.weight)
    print(model.bias)
    print("[" + ",\n ".join(inside(p) for p in model.parameters()) + "]")
    cell("4.23")
    preds = model(inputs)
    print(preds)
    cell("4.24")
    print(F.mse_loss(preds, targets))
    cell("4.25")
    print(torch.Size([15, 5]))
    print(True)


for name, seed, program in (("basics", 0, basics), ("bootcamp", 0, bootcamp), ("hidden_layer", 0, hidden_layer),
                            ("line_fit", 0, line_fit), ("crop_yields", 0, crop_yields),
                            ("crop_yields_seed_1", 1, lambda: crop_yields(seeded=True))):
    torch.manual_seed(seed)
    np.random.seed(seed)
    with open(os.path.join(folder, name + ".txt"), "w") as sys.stdout:
        program()
    sys.stdout = sys.__stdout__
