"""bench_loops in PyTorch: the tutorials' loops as they are written there; on a device also with the step as a CUDA graph,
whose loss is read after each replay.

A loop is a function that makes its data and gives run(times), as written, and step(), one iteration, whose result is what
the tutorial looks at."""

from bench import Bench, captured, numbers, torch_or_skip

torch = torch_or_skip()
bench = Bench("loops", "us", None, "pytorch", torch.__version__)


def tensor(values, **how):
    return torch.tensor(values, device=bench.device, **how)


N = 100
xt = tensor(numbers(N, 1)) / 2 + 0.5
yt = 0.3 + 0.1 * xt + 0.01 * tensor(numbers(N, 2))


def regression():
    X = torch.stack([torch.ones_like(xt), xt], dim=1)
    Y = yt.view(-1, 1)
    theta = torch.ones(2, 1, device=bench.device, requires_grad=True)
    training_loss = []

    def run(times):
        for _ in range(times):
            loss = (X.mm(theta) - Y).pow(2).mean()
            training_loss.append(loss.item())
            loss.backward()
            with torch.no_grad():
                theta.sub_(0.1 * theta.grad)
                theta.grad.zero_()

    def step():
        loss = (X.mm(theta) - Y).pow(2).mean()
        loss.backward()
        with torch.no_grad():
            theta.sub_(0.1 * theta.grad)
            theta.grad.zero_()
        return loss
    return run, step


def layer():
    X, Y = xt.view(-1, 1), yt.view(-1, 1)
    affine = torch.nn.Linear(1, 1).to(bench.device)
    optimizer = torch.optim.SGD(affine.parameters(), lr=0.1)
    training_loss = []

    def run(times):
        for _ in range(times):
            loss = (affine(X) - Y).pow(2).mean()
            training_loss.append(loss.item())
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    def step():
        loss = (affine(X) - Y).pow(2).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss
    return run, step


def quadratic():
    x = tensor(0.0, requires_grad=True)
    optim = torch.optim.SGD([x], lr=0.01)
    xs = []

    def run(times):
        for _ in range(times):
            xs.append(x.item())
            f = x**2 - 3*x + 1
            f.backward()
            optim.step()
            optim.zero_grad()

    def step():
        f = x**2 - 3*x + 1
        f.backward()
        optim.step()
        optim.zero_grad()
        return x
    return run, step


def hidden():
    X = tensor(numbers(N * 50, 3)).view(N, 50)
    y = tensor(numbers(N, 4)).sign()
    W = tensor(numbers(50 * 11, 5)).view(50, 11).requires_grad_()
    w = tensor(numbers(11, 6)).requires_grad_()
    lr, losses = 1e-1, []

    def run(times):
        nonlocal losses
        for _ in range(times):
            h = X @ W
            phi_h = torch.tanh(h)
            y_pred = phi_h @ w
            delta = y_pred - y
            loss = 0.5 * (delta**2).mean()
            losses += [loss.item()]
            if W.grad is not None:
                W.grad.zero_()
            if w.grad is not None:
                w.grad.zero_()
            loss.backward()
            W.data -= lr * W.grad
            w.data -= lr * w.grad

    def step():
        loss = 0.5 * ((torch.tanh(X @ W) @ w - y)**2).mean()
        for t in (W, w):
            if t.grad is not None:
                t.grad.zero_()
        loss.backward()
        W.data -= lr * W.grad
        w.data -= lr * w.grad
        return loss
    return run, step


class MyLinearModel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor([-0.5]))
        self.b = torch.nn.Parameter(torch.tensor([-0.5]))

    def forward(self, x):
        return self.w * x + self.b


def module():
    model = MyLinearModel().to(bench.device)
    optim = torch.optim.SGD(model.parameters(), lr=0.01)
    mse_loss = torch.nn.MSELoss()
    ws, bs = [], []

    def run(times):
        for _ in range(times):
            ws.append(model.w.item())
            bs.append(model.b.item())
            optim.zero_grad()
            y_pred = model(xt)
            loss = mse_loss(y_pred, yt)
            loss.backward()
            optim.step()

    def step():
        optim.zero_grad()
        loss = mse_loss(model(xt), yt)
        loss.backward()
        optim.step()
        return model.w
    return run, step


CROPS_X = [[73, 67, 43], [91, 88, 64], [87, 134, 58], [102, 43, 37], [69, 96, 70], [74, 66, 43], [91, 87, 65],
           [88, 134, 59], [101, 44, 37], [68, 96, 71], [73, 66, 44], [92, 87, 64], [87, 135, 57], [103, 43, 36],
           [68, 97, 70]]
CROPS_Y = [[56, 70], [81, 101], [119, 133], [22, 37], [103, 119], [57, 69], [80, 102], [118, 132], [21, 38],
           [104, 118], [57, 69], [82, 100], [118, 134], [20, 38], [102, 120]]


def crops():
    from torch.utils.data import DataLoader, TensorDataset
    train_ds = TensorDataset(torch.tensor(CROPS_X, dtype=torch.float32), torch.tensor(CROPS_Y, dtype=torch.float32))
    train_dl = DataLoader(train_ds, 5, shuffle=True)
    model = torch.nn.Linear(3, 2).to(bench.device)
    opt = torch.optim.SGD(model.parameters(), lr=1e-5)
    loss_fn = torch.nn.functional.mse_loss

    def run(times):
        for _ in range(times // 3):
            for xb, yb in train_dl:
                loss = loss_fn(model(xb.to(bench.device)), yb.to(bench.device))
                loss.backward()
                opt.step()
                opt.zero_grad()

    static_x, static_y = (torch.zeros(5, width, device=bench.device) for width in (3, 2))

    def step():
        loss = loss_fn(model(static_x), static_y)
        loss.backward()
        opt.step()
        opt.zero_grad()
        return loss

    def replayed(replay):
        def run(times):
            for _ in range(times // 3):
                for xb, yb in train_dl:
                    static_x.copy_(xb)
                    static_y.copy_(yb)
                    replay()
        return run
    step.replayed = replayed
    return run, step


def replayed(step):
    replay, seen = captured(step)
    if hasattr(step, "replayed"):
        return step.replayed(replay)
    noted = []

    def run(times):
        for _ in range(times):
            replay()
            noted.append(seen.item())
    return run


def time_loop(case, size, make, times):
    run = None

    def start(_):
        nonlocal run
        run = make()[0]

    def start_graph(_):
        nonlocal run
        run = replayed(make()[1])
    bench.run(case, size, lambda times: run(times), prepare=start, times=times)
    if bench.on_device:
        bench.run(case, size, lambda times: run(times), prepare=start_graph, times=times, how="CUDA graph")


time_loop("linear regression", "100x2", regression, 1000)
time_loop("linear layer", "100x1", layer, 1000)
time_loop("quadratic", "1", quadratic, 500)
time_loop("hidden layer", "100x50x11", hidden, 1000)  # of 5000: a tenth of a second is enough
time_loop("module", "100", module, 2000)
time_loop("crop yields", "5x3x2", crops, 300)

# ---- what one operation costs ----

CHAIN, ROOTS = 100, 100
a, b = tensor([0.25]), tensor([0.5])
leaf = tensor([0.25], requires_grad=True)
roots = []


def chain(n):
    y = leaf
    for _ in range(n):
        y = y + b
    return y


def add(times):
    for _ in range(times):
        a + b


def add_tracked(times):
    for _ in range(times):
        leaf + b


def add_chain(times):
    for _ in range(times):
        chain(CHAIN)


def make_roots(n):
    def prepare(times):
        roots[:] = [chain(n) for _ in range(times)]
    return prepare


def backward(times):
    for i in range(times):
        roots[i].backward()


bench.run("add", "1", add)
bench.run("add tracked", "1", add_tracked)
bench.run("add backward", "1", backward, prepare=make_roots(1), times=ROOTS)
bench.run("add in a chain", "100", add_chain, parts=CHAIN)
bench.run("backward in a chain", "100", backward, prepare=make_roots(CHAIN), times=ROOTS, parts=CHAIN)
