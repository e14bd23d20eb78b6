# One training step of T5 in TorchScript: forward and backward, written by hand, in one call. Autograd builds a node for every
# operation and holds every intermediate; here a step is some thousand operations without any node, and memory is freed as it is used.
# Tensors: N tokens of B rows, d = d_model, H heads of k = d_kv. Tokens lie one after another without padding; attention alone needs them
# in a grid of B rows by S or T columns. The residual stream and norms are float32, products are in the type of the projections' weights.
# Every function names what its backward half needs, in a list whose order both halves share.


# The seed of a later part; what is below 0 stays so.
def later(seed: int, by: int) -> int:
    return seed + by if seed >= 0 else seed


# Makes the dropout that follows the same wherever it is computed again. Below 0, the caller has seeded for the whole step: a recorded step
# cannot do it.
def reseed(p: float, seed: int, by: int) -> int:
    if p > 0.0 and seed >= 0:
        torch.manual_seed(seed + by)
    return 0


def dropout(x: Tensor, p: float) -> Tuple[Tensor, Tensor]:
    if p > 0.0:
        return torch.native_dropout(x, p, True)
    return x, x


# Multiplies with a mask of dropout: what drops a gradient, and drops the same values again.
def masked(x: Tensor, mask: Tensor, p: float) -> Tensor:
    if p > 0.0:
        return torch.native_dropout_backward(x, mask, 1.0 / (1.0 - p))
    return x


# gradient += dy'x. kernel: as attend lists them; the fused product adds to float32 what it multiplies in half the width.
def add_product(gradient: Tensor, dy: Tensor, x: Tensor, kernel: int) -> Tensor:
    if dy.dtype == gradient.dtype:
        return gradient.addmm_(dy.t(), x)
    if kernel == 1:
        return torch.addmm(gradient, dy.t(), x, gradient.dtype, out=gradient)
    return gradient.add_(torch.mm(dy.t(), x))


# dy w, for a norm: in its type at once where the kernel can.
def product_for_norm(dy: Tensor, w: Tensor, dtype: int, kernel: int) -> Tensor:
    if kernel == 1 and dy.dtype != dtype:
        return torch.mm(dy, w, dtype)
    return torch.mm(dy, w)


# T5's norm divides by the root mean square: [N, d] -> the same in a type, and [N, 1] reciprocal roots.
def norm(x: Tensor, weight: Tensor, epsilon: float, dtype: int, kernel: int) -> Tuple[Tensor, Tensor]:
    if kernel == 1:
        y, scale = torch._fused_rms_norm(x, [x.size(1)], weight, epsilon)
        return y.to(dtype), scale
    scale = torch.rsqrt(torch.mean(torch.square(x), [1], True) + epsilon)
    return (x * scale * weight).to(dtype), scale


def norm_backward(dy: Tensor, x: Tensor, scale: Tensor, weight: Tensor, gradient: Tensor, kernel: int) -> Tensor:
    dy = dy.to(x.dtype)
    if kernel == 1:
        dx, dweight = torch._fused_rms_norm_backward(dy, x, [x.size(1)], scale, weight, [True, True])
        gradient.add_(dweight)
        return dx
    normal = x * scale
    gradient.add_(torch.sum(dy * normal, [0]))
    dn = dy * weight
    return scale * (dn - normal * torch.mean(dn * normal, [1], True))


# [B * S, parts * H * k] -> parts of [B, S, H, k]
def heads(x: Tensor, rows: int, count: int, parts: int) -> List[Tensor]:
    return torch.unbind(x.view(rows, -1, parts, count, x.size(1) // (parts * count)), 2)


# [B, S, H, k] -> [B * S, H * k]
def tokens(x: Tensor) -> Tensor:
    return x.reshape(x.size(0) * x.size(1), -1)


# parts of [B, S, H, k] -> [B * S, parts * H * k]
def joined(parts: List[Tensor]) -> Tensor:
    return tokens(torch.stack(parts, 2))


# Where tokens lie in the grid: [cell of each token [N], token of each cell [cells]]. Cells without a token have the first one's values,
# which nothing sees: their keys are hidden, and their queries' results are not taken out.
def into_grid(x: Tensor, places: List[Tensor]) -> Tensor:
    return x.index_select(0, places[1])


def out_of_grid(x: Tensor, places: List[Tensor]) -> Tensor:
    return x.index_select(0, places[0])


# Of gradients, cells without a token must have none.
def gradient_into_grid(dx: Tensor, places: List[Tensor]) -> Tensor:
    return torch.zeros([places[1].size(0), dx.size(1)], dtype=dx.dtype, device=dx.device).index_copy_(0, places[0], dx)


# What keys a query does not see, as what is added to its scores: [B, 1, Q, K]. Rows hold several sequences, each of which sees itself;
# a cell without a sequence, whose number is 0, sees all, since a query that sees nothing has no softmax. queries: [B, Q], keys: [B, K].
def hidden(queries: Tensor, keys: Tensor, dtype: int) -> Tensor:
    q = queries.unsqueeze(2)
    return (torch.ne(q, keys.unsqueeze(1)) * torch.ne(q, 0)).to(dtype).mul_(-1e30).unsqueeze(1)


# T5 does not scale its scores. Queries, keys and values: [B, S, H, k]. Bias: position bias and mask, which broadcasts to [B, H, Q, K].
#   kernel: 0 products that keep the weights [B, H, Q, K]; 1 CUDA's fused kernel, which keeps the logarithm of each query's sum alone;
#     2 products that keep what the fused kernel keeps: what it is checked against.
# Gives the result, and two tensors for the backward half.
def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, p: float, kernel: int) -> List[Tensor]:
    if kernel == 1:
        whole = bias.to(q.dtype).expand(q.size(0), q.size(2), q.size(1), k.size(1))
        y, sums, seed, offset, most_q, most_k = torch._efficient_attention_forward(
            q, k, v, whole, None, None, None, None, p, 0, True, scale=1.0)
        return [y, sums, torch.stack([seed, offset]) if p > 0.0 else sums]
    scores = torch.matmul(q.transpose(1, 2), k.permute(0, 2, 3, 1)) + bias
    if kernel == 2:
        sums = torch.logsumexp(scores, [-1], True)
        dropped, mask = dropout(torch.exp(scores - sums).to(q.dtype), p)
        return [torch.matmul(dropped, v.transpose(1, 2)).transpose(1, 2), sums, mask]
    weights = torch.softmax(scores, -1).to(q.dtype)
    dropped, mask = dropout(weights, p)
    return [torch.matmul(dropped, v.transpose(1, 2)).transpose(1, 2), weights, mask]


# Gradients of queries, keys, values and scores, the first three as one [B * S, parts * H * k] for each tensor that they are cut from:
# all three where they are of one, else queries, then keys and values. y: the result; kept, mask: what came with it.
def attend_backward(
        dy: Tensor, q: Tensor, k: Tensor, v: Tensor, bias: Tensor, y: Tensor, kept: Tensor, mask: Tensor, p: float, kernel: int,
        of_one: bool) -> List[Tensor]:
    if kernel == 1:
        whole = bias.to(q.dtype).expand(q.size(0), q.size(2), q.size(1), k.size(1))
        # 4: int64, whose name is not known here.
        state = mask if p > 0.0 else torch.zeros([2], dtype=4)
        dq, dk, dv, dscores = torch._efficient_attention_backward(
            dy, q, k, v, whole, y, None, None, q.size(1), k.size(1), kept, p, state[0], state[1], 0, of_one, scale=1.0,
            shared_storage_dqdkdv=of_one)
        if of_one:
            # They lie in one [B, S, 3, H, k].
            width = 3 * dq.size(2) * dq.size(3)
            return [dq.as_strided([dq.size(0) * dq.size(1), width], [width, 1]), dscores]
        return [tokens(dq), joined([dk, dv])]
    q, k, v, dy = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), dy.transpose(1, 2)
    weights = kept
    if kernel == 2:
        weights = torch.exp(torch.matmul(q, k.transpose(2, 3)) + bias - kept).to(q.dtype)
    dropped = masked(weights, mask, p)
    dweights = masked(torch.matmul(dy, v.transpose(2, 3)), mask, p)
    dscores = torch._softmax_backward_data(dweights, weights, -1, weights.dtype)
    dq = torch.matmul(dscores, k).transpose(1, 2)
    dk = torch.matmul(dscores.transpose(2, 3), q).transpose(1, 2)
    dv = torch.matmul(dropped.transpose(2, 3), dy).transpose(1, 2)
    if of_one:
        return [joined([dq, dk, dv]), dscores]
    return [tokens(dq), joined([dk, dv])]


# Largest difference of two kernels over the largest value of the first one's: results and gradients of attention, of a norm, and two
# products. q, k, v, dy: [B, S, H, k], bias: float32 [B, H, S, S].
def kernel_difference(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, dy: Tensor, first: int, second: int) -> Tensor:
    kernels = [first, second]
    found: List[List[Tensor]] = []
    x, dx = tokens(q).to(bias.dtype), tokens(dy)
    weight = torch.abs(x[0]) + 1.0
    for kernel in kernels:
        y = attend(q, k, v, bias, 0.0, kernel)
        own = attend_backward(dy, q, k, v, bias, y[0], y[1], y[2], 0.0, kernel, True)
        cross = attend_backward(dy, q, k, v, bias, y[0], y[1], y[2], 0.0, kernel, False)
        h, scale = norm(x, weight, 1e-6, q.dtype, kernel)
        dweight = torch.zeros_like(weight)
        dh = norm_backward(dx, x, scale, weight, dweight, kernel)
        product = add_product(torch.ones([x.size(1), x.size(1)], dtype=x.dtype, device=x.device), dx, tokens(k), kernel)
        other = product_for_norm(dx.t(), tokens(k), x.dtype, kernel)
        found.append([y[0], own[0], torch.sum(own[1], [0]), cross[0], cross[1], h, dh, dweight, product, other])
    worst = torch.zeros([1], dtype=bias.dtype, device=q.device)
    for i in range(len(found[0])):
        a, b = found[0][i].to(bias.dtype), found[1][i].to(bias.dtype)
        worst = torch.maximum(worst, torch.max(torch.abs(a - b)) / torch.max(torch.abs(a)))
    return worst


def self_attention(
        x: Tensor, w: List[Tensor], bias: Tensor, places: List[Tensor], rows: int, count: int, epsilon: float, p: float, kernel: int
        ) -> List[Tensor]:
    h, scale = norm(x, w[0], epsilon, w[1].dtype, kernel)
    qkv = into_grid(torch.mm(h, w[1].t()), places)
    parts = heads(qkv, rows, count, 3)
    attended = attend(parts[0], parts[1], parts[2], bias, p, kernel)
    mixed = out_of_grid(tokens(attended[0]), places)
    y, mask = dropout(torch.mm(mixed, w[2].t()), p)
    return [x + y, x, scale, h, qkv, attended[0], attended[1], attended[2], mixed, mask]


def self_attention_backward(
        dx: Tensor, s: List[Tensor], w: List[Tensor], g: List[Tensor], bias: Tensor, dbias: Tensor, places: List[Tensor], rows: int,
        count: int, p: float, kernel: int) -> Tensor:
    dy = masked(dx.to(w[1].dtype), s[8], p)
    add_product(g[2], dy, s[7], kernel)
    parts = heads(s[3], rows, count, 3)
    dmixed = heads(gradient_into_grid(torch.mm(dy, w[2]), places), rows, count, 1)[0]
    d = attend_backward(dmixed, parts[0], parts[1], parts[2], bias, s[4], s[5], s[6], p, kernel, True)
    dbias.add_(torch.sum(d[1], [0], dtype=dbias.dtype))
    dqkv = out_of_grid(d[0], places)
    add_product(g[1], dqkv, s[2], kernel)
    return norm_backward(product_for_norm(dqkv, w[1], s[0].dtype, kernel), s[0], s[1], w[0], g[0], kernel).add_(dx)


def cross_attention(
        x: Tensor, encoded: Tensor, w: List[Tensor], bias: Tensor, places: List[Tensor], sources: List[Tensor], rows: int, count: int,
        epsilon: float, p: float, kernel: int) -> List[Tensor]:
    h, scale = norm(x, w[0], epsilon, w[1].dtype, kernel)
    q = into_grid(torch.mm(h, w[1].t()), places)
    kv = into_grid(torch.mm(encoded, w[2].t()), sources)
    parts = heads(kv, rows, count, 2)
    attended = attend(heads(q, rows, count, 1)[0], parts[0], parts[1], bias, p, kernel)
    mixed = out_of_grid(tokens(attended[0]), places)
    y, mask = dropout(torch.mm(mixed, w[3].t()), p)
    return [x + y, x, scale, h, q, kv, attended[0], attended[1], attended[2], mixed, mask]


def cross_attention_backward(
        dx: Tensor, s: List[Tensor], encoded: Tensor, w: List[Tensor], g: List[Tensor], bias: Tensor, dencoded: Tensor,
        places: List[Tensor], sources: List[Tensor], rows: int, count: int, p: float, kernel: int) -> Tensor:
    dy = masked(dx.to(w[1].dtype), s[9], p)
    add_product(g[3], dy, s[8], kernel)
    parts = heads(s[4], rows, count, 2)
    dmixed = heads(gradient_into_grid(torch.mm(dy, w[3]), places), rows, count, 1)[0]
    d = attend_backward(
        dmixed, heads(s[3], rows, count, 1)[0], parts[0], parts[1], bias, s[5], s[6], s[7], p, kernel, False)
    dkv = out_of_grid(d[1], sources)
    add_product(g[2], dkv, encoded, kernel)
    add_product(dencoded, dkv.t(), w[2], kernel)
    dq = out_of_grid(d[0], places)
    add_product(g[1], dq, s[2], kernel)
    return norm_backward(product_for_norm(dq, w[1], s[0].dtype, kernel), s[0], s[1], w[0], g[0], kernel).add_(dx)


# activation: 0 ReLU, 1 GELU by tanh, 2 GELU, 3 SiLU
def activate(x: Tensor, activation: int) -> Tensor:
    if activation == 0:
        return torch.relu(x)
    if activation == 1:
        return torch.gelu(x, approximate="tanh")
    if activation == 2:
        return torch.gelu(x)
    return torch.silu(x)


def activate_backward(dy: Tensor, x: Tensor, activation: int) -> Tensor:
    if activation == 0:
        return torch.threshold_backward(dy, x, 0)
    if activation == 1:
        return torch.gelu_backward(dy, x, approximate="tanh")
    if activation == 2:
        return torch.gelu_backward(dy, x)
    return torch.silu_backward(dy, x)


def feed_forward(
        x: Tensor, w: List[Tensor], epsilon: float, p: float, activation: int, gated: bool, kernel: int) -> List[Tensor]:
    h, scale = norm(x, w[0], epsilon, w[1].dtype, kernel)
    u = torch.mm(h, w[1].t())
    if gated:
        parts = torch.chunk(u, 2, 1)
        a = activate(parts[0], activation) * parts[1]
    else:
        a = activate(u, activation)
    inner, inner_mask = dropout(a, p)
    y, mask = dropout(torch.mm(inner, w[2].t()), p)
    if activation == 0 and not gated:
        # The backward half needs neither of these, so they are not kept.
        u, inner_mask = inner, inner
    return [x + y, x, scale, h, u, inner, inner_mask, mask]


def feed_forward_backward(
        dx: Tensor, s: List[Tensor], w: List[Tensor], g: List[Tensor], p: float, activation: int, gated: bool, kernel: int) -> Tensor:
    dy = masked(dx.to(w[1].dtype), s[6], p)
    add_product(g[2], dy, s[4], kernel)
    if activation == 0 and not gated:
        # What neither ReLU nor dropout took is above zero, so one mask does for both; the product brings dropout's factor.
        da = torch.addmm(dy.new_empty([1]), dy, w[2], beta=0.0, alpha=1.0 / (1.0 - p))
        du = torch.threshold_backward(da, s[4], 0)
    else:
        da = masked(torch.mm(dy, w[2]), s[5], p)
        if gated:
            parts = torch.chunk(s[3], 2, 1)
            du = torch.cat([activate_backward(da * parts[1], parts[0], activation), da * activate(parts[0], activation)], 1)
        else:
            du = activate_backward(da, s[3], activation)
    add_product(g[1], du, s[2], kernel)
    return norm_backward(product_for_norm(du, w[1], s[0].dtype, kernel), s[0], s[1], w[0], g[0], kernel).add_(dx)


# One block. Its seed makes its dropout the same where it is computed again. weights: 3 of self-attention, in a decoder 4 of
# cross-attention, 3 of the feed-forward layer. places: of its tokens; sources: of the encoder's. Gives the output, then what each layer's
# backward half needs.
def block(
        x: Tensor, encoded: Tensor, w: List[Tensor], bias: Tensor, cross_bias: Tensor, places: List[Tensor], sources: List[Tensor],
        rows: int, count: int, epsilon: float, p: float, activation: int, gated: bool, kernel: int, seed: int) -> List[Tensor]:
    reseed(p, seed, 0)
    saved = self_attention(x, w[0:3], bias, places, rows, count, epsilon, p, kernel)
    last = 3
    if len(w) > 6:
        saved = cross_attention(
            saved[0], encoded, w[3:7], cross_bias, places, sources, rows, count, epsilon, p, kernel) + saved[1:]
        last = 7
    return feed_forward(saved[0], w[last:], epsilon, p, activation, gated, kernel) + saved[1:]


def block_backward(
        dx: Tensor, saved: List[Tensor], encoded: Tensor, w: List[Tensor], g: List[Tensor], bias: Tensor, dbias: Tensor,
        cross_bias: Tensor, dencoded: Tensor, places: List[Tensor], sources: List[Tensor], rows: int, count: int, p: float,
        activation: int, gated: bool, kernel: int) -> Tensor:
    last = 3
    if len(w) > 6:
        last = 7
    dx = feed_forward_backward(dx, saved[0:7], w[last:], g[last:], p, activation, gated, kernel)
    at = 7
    if len(w) > 6:
        dx = cross_attention_backward(
            dx, saved[at:at + 10], encoded, w[3:7], g[3:7], cross_bias, dencoded, places, sources, rows, count, p, kernel)
        at = 17
    return self_attention_backward(dx, saved[at:at + 9], w[0:3], g[0:3], bias, dbias, places, rows, count, p, kernel)


# The position bias of each block or, where there is one for all, of the first: [B, H, Q, K] with what the mask adds, in a type. Distances
# within a sequence are those within its row, wherever it begins there.
def position_biases(relative: List[Tensor], buckets: Tensor, mask: Tensor, dtype: int) -> List[Tensor]:
    biases: List[Tensor] = []
    for weight in relative:
        bias = weight.index_select(0, buckets.reshape(-1)).view(buckets.size(0), buckets.size(1), -1)
        # Added to a permuted tensor, the mask gives one whose order in memory is permuted too, which the fused kernel refuses.
        biases.append((bias.permute(2, 0, 1).contiguous().unsqueeze(0) + mask).to(dtype))
    return biases


def return_biases(gradients: List[Tensor], dbiases: List[Tensor], buckets: Tensor) -> int:
    for i, dbias in enumerate(dbiases):
        gradients[i].index_add_(0, buckets.reshape(-1), dbias.permute(1, 2, 0).reshape(-1, dbias.size(0)))
    return len(dbiases)


# All blocks of a stack and its final norm. Gives the output and, for the backward half, what each block saved (its input alone where it
# is to be computed again), then what the final norm and the dropouts before and after need.
def stack(
        ids: Tensor, shared: Tensor, w: List[Tensor], final: Tensor, biases: List[Tensor], encoded: Tensor, cross_bias: Tensor,
        places: List[Tensor], sources: List[Tensor], rows: int, count: int, epsilon: float, p: float, activation: int, gated: bool,
        kernel: int, seed: int, keep: bool, recompute: bool) -> Tuple[Tensor, List[List[Tensor]]]:
    reseed(p, seed, 0)
    x, first_mask = dropout(shared.index_select(0, ids), p)
    width = 6
    if encoded.numel() > 0:
        width = 10
    states: List[List[Tensor]] = []
    for i in range(len(w) // width):
        saved = block(
            x, encoded, w[i * width:(i + 1) * width], biases[min(i, len(biases) - 1)], cross_bias, places, sources, rows, count, epsilon,
            p, activation, gated, kernel, later(seed, i + 1))
        if keep:
            states.append([x] if recompute else saved[1:])
        x = saved[0]
    reseed(p, seed, len(w))
    h, scale = norm(x, final, epsilon, w[1].dtype, kernel)
    y, mask = dropout(h, p)
    states.append([x, scale, mask, first_mask])
    return y, states


def stack_backward(
        dy: Tensor, states: List[List[Tensor]], ids: Tensor, shared_gradient: Tensor, w: List[Tensor], g: List[Tensor], final: Tensor,
        final_gradient: Tensor, biases: List[Tensor], dbiases: List[Tensor], encoded: Tensor, dencoded: Tensor, cross_bias: Tensor,
        places: List[Tensor], sources: List[Tensor], rows: int, count: int, epsilon: float, p: float, activation: int, gated: bool,
        kernel: int, seed: int) -> int:
    width = 6
    if encoded.numel() > 0:
        width = 10
    end = states[len(states) - 1]
    dx = norm_backward(masked(dy, end[2], p), end[0], end[1], final, final_gradient, kernel)
    for n in range(len(w) // width):
        i = len(w) // width - 1 - n
        at = i * width
        bias, dbias = biases[min(i, len(biases) - 1)], dbiases[min(i, len(dbiases) - 1)]
        saved = states[i]
        if len(saved) == 1:
            saved = block(
                saved[0], encoded, w[at:at + width], bias, cross_bias, places, sources, rows, count, epsilon, p, activation, gated,
                kernel, later(seed, i + 1))[1:]
        dx = block_backward(
            dx, saved, encoded, w[at:at + width], g[at:at + width], bias, dbias, cross_bias, dencoded, places, sources, rows, count, p,
            activation, gated, kernel)
        states[i] = []
    shared_gradient.index_add_(0, ids, masked(dx, end[3], p))
    return 0


# Cross-entropy of tokens, some at a time, since scores over the vocabulary are the largest tensor of all. Tokens count with 1 or, where
# they only fill up, 0. Where there are sets, each token's scores get the bias of its own, which leaves the tokens of a closed set.
# biases: [sets, V]; own: the set of each token, or none.
# Gives the sum of the losses, and the gradient of the states into dstates.
def head(
        states: Tensor, dstates: Tensor, targets: Tensor, weights: Tensor, counts: Tensor, biases: Tensor, own: Tensor, w: Tensor,
        g: Tensor, scale: float, chunk: int, keep: bool, kernel: int) -> Tensor:
    total = torch.zeros([1], dtype=weights.dtype, device=weights.device)
    at = 0
    while at < states.size(0):
        count = min(chunk, states.size(0) - at)
        x = states.narrow(0, at, count) * scale
        target = targets.narrow(0, at, count).unsqueeze(1)
        scores = torch.mm(x, w.t())
        if own.size(0) > 0:
            scores = scores.to(weights.dtype) + biases.index_select(0, own.narrow(0, at, count))
        logs = torch.log_softmax(scores, 1, dtype=weights.dtype)
        likely = logs.gather(1, target)
        total.sub_(torch.dot(likely.view(-1), counts.narrow(0, at, count)))
        if keep:
            # The target's own is computed in full before it is rounded: where it is nearly certain, little is left of 1 − p.
            share = weights.narrow(0, at, count).unsqueeze(1)
            dscores = (torch.exp(logs) * share).to(x.dtype)
            dscores.scatter_(1, target, (torch.expm1(likely) * share).to(x.dtype))
            add_product(g, dscores, x, kernel)
            dstates.narrow(0, at, count).copy_(torch.mm(dscores, w) * scale)
        at += count
    return total


# A micro-batch: the encoder over all sources, then the decoder over all targets, row by row the same.
#   weights, gradients: [shared, head, encoder's final norm, decoder's], then those of the blocks and the relative biases. Of the
#     gradients all are float32, of the weights embedding, norms and relative biases, the others are in the type that is computed in.
#   sources: tokens [N], their cells [N], tokens of the cells [B * S], numbers of the cells' sequences [B, S], from 1 on, buckets [S, S].
#   targets: likewise the decoder's, [M] and [B, T], and then what hides later positions [T, T].
#   parts: labels and rationales, where there are any. Of each, whose tokens are the next n of the decoder's: the targets [n], their
#     weights [n], what they count [n], the set of each [n] (or [0]).
#   sets: of allowed targets: tokens [k, most of a set], or [0, 0].
#   rows: B. count: H. kernel: 0 plain operations, 1 CUDA's fused kernels, 2 as attend says. recompute: whether the backward half computes
#     each block again instead of keeping it. training: whether with dropout and gradients. seed: of the dropout; up to 2,000 after it are
#     used too; below 0 as reseed says. chunk: tokens scored at a time. scale: of the head's input.
# Gives the sum of each part's losses: [parts].
def step(
        weights: List[Tensor], gradients: List[Tensor], encoder: List[Tensor], encoder_gradients: List[Tensor],
        decoder: List[Tensor], decoder_gradients: List[Tensor], encoder_relative: List[Tensor],
        encoder_relative_gradients: List[Tensor], decoder_relative: List[Tensor], decoder_relative_gradients: List[Tensor],
        sources: List[Tensor], targets: List[Tensor], parts: List[Tensor], sets: Tensor, rows: int, count: int, activation: int,
        gated: bool, kernel: int, recompute: bool, training: bool, seed: int, chunk: int, epsilon: float, dropout_rate: float,
        scale: float) -> Tensor:
    p = dropout_rate if training else 0.0
    none = torch.empty([0], dtype=weights[0].dtype, device=weights[0].device)
    own, other = sources[1:3], targets[1:3]
    # The fused kernel takes a bias of its inputs' type: cast once, not in every block.
    dtype = weights[1].dtype if kernel == 1 else weights[0].dtype
    biases = position_biases(encoder_relative, sources[4], hidden(sources[3], sources[3], weights[0].dtype), dtype)
    encoded, states = stack(
        sources[0], weights[0], encoder, weights[2], biases, none, none, own, own, rows, count, epsilon, p, activation, gated, kernel, seed,
        training, recompute)
    cross_bias = hidden(targets[3], sources[3], dtype)
    decoder_biases = position_biases(
        decoder_relative, targets[4], torch.minimum(hidden(targets[3], targets[3], weights[0].dtype), targets[5]), dtype)
    output, decoder_states = stack(
        targets[0], weights[0], decoder, weights[3], decoder_biases, encoded, cross_bias, other, own, rows, count, epsilon, p, activation,
        gated, kernel, later(seed, 1000), training, recompute)
    doutput = torch.empty_like(output)
    # As wide as the vocabulary, so the device makes them: what is added to scores, 0 at a set's tokens, otherwise without end below.
    set_biases = torch.full(
        [sets.size(0), weights[1].size(0)], -float("inf"), dtype=weights[0].dtype, device=sets.device)
    if sets.size(0) > 0:
        set_biases.scatter_(1, sets, torch.zeros_like(sets, dtype=weights[0].dtype))
    losses: List[Tensor] = []
    at = 0
    for part in range(len(parts) // 4):
        a = part * 4
        here = parts[a].size(0)
        losses.append(head(
            output.narrow(0, at, here), doutput.narrow(0, at, here), parts[a], parts[a + 1], parts[a + 2], set_biases, parts[a + 3],
            weights[1], gradients[1], scale, chunk, training, kernel))
        at += here
    if training:
        dencoded = torch.zeros([encoded.size(0), encoded.size(1)], dtype=weights[0].dtype, device=encoded.device)
        decoder_dbiases = [torch.zeros_like(b[0], dtype=weights[0].dtype) for b in decoder_biases]
        stack_backward(
            doutput, decoder_states, targets[0], gradients[0], decoder, decoder_gradients, weights[3], gradients[3], decoder_biases,
            decoder_dbiases, encoded, dencoded, cross_bias, other, own, rows, count, epsilon, p, activation, gated, kernel,
            later(seed, 1000))
        return_biases(decoder_relative_gradients, decoder_dbiases, targets[4])
        dbiases = [torch.zeros_like(b[0], dtype=weights[0].dtype) for b in biases]
        stack_backward(
            dencoded.to(encoded.dtype), states, sources[0], gradients[0], encoder, encoder_gradients, weights[2], gradients[2], biases,
            dbiases, none, none, none, own, own, rows, count, epsilon, p, activation, gated, kernel, seed)
        return_biases(encoder_relative_gradients, dbiases, sources[4])
    return torch.cat(losses)
