# One training step of T5 in TorchScript: forward and backward, written by hand, in one call. Autograd builds a node for every
# operation and holds every intermediate; here a step is some thousand operations without any node, and memory is freed as it is used.
# Tensors: N tokens of B rows, d = d_model, H heads of k = d_kv. The residual stream and norms are float32, products are in the type of
# the projections' weights. Every function names what its backward half needs, in a list whose order both halves share.


def dropout(x: Tensor, p: float) -> Tuple[Tensor, Tensor]:
    if p > 0.0:
        return torch.native_dropout(x, p, True)
    return x, x


# Multiplies with a mask of dropout: what drops a gradient, and drops the same values again.
def masked(x: Tensor, mask: Tensor, p: float) -> Tensor:
    if p > 0.0:
        return torch.native_dropout_backward(x, mask, 1.0 / (1.0 - p))
    return x


# gradient += dy'x
def add_product(gradient: Tensor, dy: Tensor, x: Tensor) -> Tensor:
    if dy.dtype == gradient.dtype:
        return gradient.addmm_(dy.t(), x)
    return gradient.add_(torch.mm(dy.t(), x))


# T5's norm divides by the root mean square: [N, d] -> the same, and [N, 1] reciprocal roots.
def norm(x: Tensor, weight: Tensor, epsilon: float, dtype: int) -> Tuple[Tensor, Tensor]:
    scale = torch.rsqrt(torch.mean(torch.square(x), [1], True) + epsilon)
    return (x * scale * weight).to(dtype), scale


def norm_backward(dy: Tensor, x: Tensor, scale: Tensor, weight: Tensor, gradient: Tensor) -> Tensor:
    normal = x * scale
    dy = dy.to(x.dtype)
    gradient.add_(torch.sum(dy * normal, [0]))
    dn = dy * weight
    return scale * (dn - normal * torch.mean(dn * normal, [1], True))


# [N, parts * H * k] -> parts of [B, H, N / B, k]
def heads(x: Tensor, rows: int, count: int, parts: int) -> List[Tensor]:
    return torch.unbind(x.view(rows, -1, parts, count, x.size(1) // (parts * count)).permute(2, 0, 3, 1, 4), 0)


# parts of [B, H, S, k] -> [B * S, parts * H * k]
def tokens(parts: List[Tensor]) -> Tensor:
    x = torch.stack(parts, 0).permute(1, 3, 0, 2, 4)
    return x.reshape(x.size(0) * x.size(1), -1)


# T5 does not scale its scores. Bias: position bias and mask, which broadcasts to [B, H, Q, K].
#   kernel: 0 products that keep the weights [B, H, Q, K]; 1 CUDA's fused kernel, which keeps the logarithm of each query's sum alone;
#     2 products that keep what the fused kernel keeps: what it is checked against.
# Gives the result, and two tensors for the backward half.
def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, p: float, kernel: int) -> List[Tensor]:
    if kernel == 1:
        whole = bias.to(q.dtype).expand(q.size(0), q.size(1), q.size(2), k.size(2))
        y, sums, seed, offset = torch._scaled_dot_product_efficient_attention(q, k, v, whole, True, p, False, scale=1.0)
        return [y, sums, torch.stack([seed, offset]) if p > 0.0 else sums]
    scores = torch.matmul(q, k.transpose(2, 3)) + bias
    if kernel == 2:
        sums = torch.logsumexp(scores, [-1], True)
        dropped, mask = dropout(torch.exp(scores - sums).to(q.dtype), p)
        return [torch.matmul(dropped, v), sums, mask]
    weights = torch.softmax(scores, -1).to(q.dtype)
    dropped, mask = dropout(weights, p)
    return [torch.matmul(dropped, v), weights, mask]


# Gradients of queries, keys, values and scores. mixed: the result as tokens; kept, mask: what came with it. biased: whether those of
# scores are needed.
def attend_backward(
        dy: Tensor, q: Tensor, k: Tensor, v: Tensor, bias: Tensor, mixed: Tensor, kept: Tensor, mask: Tensor, p: float, kernel: int,
        biased: bool) -> List[Tensor]:
    if kernel == 1:
        whole = bias.to(q.dtype).expand(q.size(0), q.size(1), q.size(2), k.size(2))
        y = heads(mixed, q.size(0), q.size(1), 1)[0]
        # 4: int64, whose name is not known here.
        state = mask if p > 0.0 else torch.zeros([2], dtype=4)
        dq, dk, dv, dscores = torch._scaled_dot_product_efficient_attention_backward(
            dy, q, k, v, whole, y, kept, state[0], state[1], p, [True, True, True, biased], False, scale=1.0)
        return [dq, dk, dv, dscores if biased else dq]
    weights = kept
    if kernel == 2:
        weights = torch.exp(torch.matmul(q, k.transpose(2, 3)) + bias - kept).to(q.dtype)
    dropped = masked(weights, mask, p)
    dweights = masked(torch.matmul(dy, v.transpose(2, 3)), mask, p)
    dscores = torch._softmax_backward_data(dweights, weights, -1, weights.dtype)
    return [torch.matmul(dscores, k), torch.matmul(dscores.transpose(2, 3), q), torch.matmul(dropped.transpose(2, 3), dy), dscores]


# Largest difference of two kernels, of results and gradients, over the largest value of the first one's. Bias: float32.
def attention_difference(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, dy: Tensor, first: int, second: int) -> Tensor:
    kernels = [first, second]
    found: List[List[Tensor]] = []
    for kernel in kernels:
        y = attend(q, k, v, bias, 0.0, kernel)
        d = attend_backward(dy, q, k, v, bias, tokens([y[0]]), y[1], y[2], 0.0, kernel, True)
        found.append([y[0], d[0], d[1], d[2], torch.sum(d[3], [0])])
    worst = torch.zeros([1], dtype=bias.dtype, device=q.device)
    for i in range(5):
        a, b = found[0][i].to(bias.dtype), found[1][i].to(bias.dtype)
        worst = torch.maximum(worst, torch.max(torch.abs(a - b)) / torch.max(torch.abs(a)))
    return worst


def self_attention(
        x: Tensor, w: List[Tensor], bias: Tensor, rows: int, count: int, epsilon: float, p: float, kernel: int) -> List[Tensor]:
    h, scale = norm(x, w[0], epsilon, w[1].dtype)
    qkv = torch.mm(h, w[1].t())
    parts = heads(qkv, rows, count, 3)
    attended = attend(parts[0], parts[1], parts[2], bias, p, kernel)
    mixed = tokens([attended[0]])
    y, mask = dropout(torch.mm(mixed, w[2].t()), p)
    return [x + y, x, scale, h, qkv, attended[1], attended[2], mixed, mask]


def self_attention_backward(
        dx: Tensor, s: List[Tensor], w: List[Tensor], g: List[Tensor], bias: Tensor, dbias: Tensor, rows: int, count: int, p: float,
        kernel: int) -> Tensor:
    dy = masked(dx.to(w[1].dtype), s[7], p)
    add_product(g[2], dy, s[6])
    parts = heads(s[3], rows, count, 3)
    dmixed = heads(torch.mm(dy, w[2]), rows, count, 1)[0]
    d = attend_backward(dmixed, parts[0], parts[1], parts[2], bias, s[6], s[4], s[5], p, kernel, True)
    dbias.add_(torch.sum(d[3], [0], dtype=dbias.dtype))
    dqkv = tokens([d[0], d[1], d[2]])
    add_product(g[1], dqkv, s[2])
    return dx + norm_backward(torch.mm(dqkv, w[1]), s[0], s[1], w[0], g[0])


def cross_attention(
        x: Tensor, encoded: Tensor, w: List[Tensor], bias: Tensor, rows: int, count: int, epsilon: float, p: float, kernel: int
        ) -> List[Tensor]:
    h, scale = norm(x, w[0], epsilon, w[1].dtype)
    q = torch.mm(h, w[1].t())
    kv = torch.mm(encoded, w[2].t())
    parts = heads(kv, rows, count, 2)
    attended = attend(heads(q, rows, count, 1)[0], parts[0], parts[1], bias, p, kernel)
    mixed = tokens([attended[0]])
    y, mask = dropout(torch.mm(mixed, w[3].t()), p)
    return [x + y, x, scale, h, q, kv, attended[1], attended[2], mixed, mask]


def cross_attention_backward(
        dx: Tensor, s: List[Tensor], encoded: Tensor, w: List[Tensor], g: List[Tensor], bias: Tensor, dencoded: Tensor, rows: int,
        count: int, p: float, kernel: int) -> Tensor:
    dy = masked(dx.to(w[1].dtype), s[8], p)
    add_product(g[3], dy, s[7])
    parts = heads(s[4], rows, count, 2)
    dmixed = heads(torch.mm(dy, w[3]), rows, count, 1)[0]
    d = attend_backward(dmixed, heads(s[3], rows, count, 1)[0], parts[0], parts[1], bias, s[7], s[5], s[6], p, kernel, False)
    dkv = tokens([d[1], d[2]])
    add_product(g[2], dkv, encoded)
    dencoded.add_(torch.mm(dkv, w[2]))
    dq = tokens([d[0]])
    add_product(g[1], dq, s[2])
    return dx + norm_backward(torch.mm(dq, w[1]), s[0], s[1], w[0], g[0])


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


def feed_forward(x: Tensor, w: List[Tensor], epsilon: float, p: float, activation: int, gated: bool) -> List[Tensor]:
    h, scale = norm(x, w[0], epsilon, w[1].dtype)
    u = torch.mm(h, w[1].t())
    if gated:
        parts = torch.chunk(u, 2, 1)
        a = activate(parts[0], activation) * parts[1]
    else:
        a = activate(u, activation)
    inner, inner_mask = dropout(a, p)
    y, mask = dropout(torch.mm(inner, w[2].t()), p)
    return [x + y, x, scale, h, u, inner, inner_mask, mask]


def feed_forward_backward(
        dx: Tensor, s: List[Tensor], w: List[Tensor], g: List[Tensor], p: float, activation: int, gated: bool) -> Tensor:
    dy = masked(dx.to(w[1].dtype), s[6], p)
    add_product(g[2], dy, s[4])
    da = masked(torch.mm(dy, w[2]), s[5], p)
    if gated:
        parts = torch.chunk(s[3], 2, 1)
        du = torch.cat([activate_backward(da * parts[1], parts[0], activation), da * activate(parts[0], activation)], 1)
    else:
        du = activate_backward(da, s[3], activation)
    add_product(g[1], du, s[2])
    return dx + norm_backward(torch.mm(du, w[1]), s[0], s[1], w[0], g[0])


# One block. Its seed makes its dropout the same where it is computed again. weights: 3 of self-attention, in a decoder 4 of
# cross-attention, 3 of the feed-forward layer. Gives the output, then what each layer's backward half needs.
def block(
        x: Tensor, encoded: Tensor, w: List[Tensor], bias: Tensor, cross_bias: Tensor, rows: int, count: int, epsilon: float, p: float,
        activation: int, gated: bool, kernel: int, seed: int) -> List[Tensor]:
    if p > 0.0:
        torch.manual_seed(seed)
    saved = self_attention(x, w[0:3], bias, rows, count, epsilon, p, kernel)
    last = 3
    if len(w) > 6:
        saved = cross_attention(saved[0], encoded, w[3:7], cross_bias, rows, count, epsilon, p, kernel) + saved[1:]
        last = 7
    return feed_forward(saved[0], w[last:], epsilon, p, activation, gated) + saved[1:]


def block_backward(
        dx: Tensor, saved: List[Tensor], encoded: Tensor, w: List[Tensor], g: List[Tensor], bias: Tensor, dbias: Tensor,
        cross_bias: Tensor, dencoded: Tensor, rows: int, count: int, p: float, activation: int, gated: bool, kernel: int) -> Tensor:
    last = 3
    if len(w) > 6:
        last = 7
    dx = feed_forward_backward(dx, saved[0:7], w[last:], g[last:], p, activation, gated)
    at = 7
    if len(w) > 6:
        dx = cross_attention_backward(
            dx, saved[at:at + 9], encoded, w[3:7], g[3:7], cross_bias, dencoded, rows, count, p, kernel)
        at = 16
    return self_attention_backward(dx, saved[at:at + 8], w[0:3], g[0:3], bias, dbias, rows, count, p, kernel)


# The position bias of each block or, where there is one for all, of the first: [1, H, Q, K] with what the mask adds, in a type.
def position_biases(relative: List[Tensor], buckets: Tensor, mask: Tensor, dtype: int) -> List[Tensor]:
    biases: List[Tensor] = []
    for weight in relative:
        bias = weight.index_select(0, buckets.reshape(-1)).view(buckets.size(0), buckets.size(1), -1)
        biases.append((bias.permute(2, 0, 1).unsqueeze(0) + mask).to(dtype))
    return biases


def return_biases(gradients: List[Tensor], dbiases: List[Tensor], buckets: Tensor) -> int:
    for i, dbias in enumerate(dbiases):
        gradients[i].index_add_(0, buckets.reshape(-1), dbias.permute(1, 2, 0).reshape(-1, dbias.size(0)))
    return len(dbiases)


# All blocks of a stack and its final norm. Gives the output and, for the backward half, what each block saved (its input alone where it
# is to be computed again), then what the final norm and the dropouts before and after need.
def stack(
        ids: Tensor, shared: Tensor, w: List[Tensor], final: Tensor, biases: List[Tensor], encoded: Tensor, cross_bias: Tensor, rows: int,
        count: int, epsilon: float, p: float, activation: int, gated: bool, kernel: int, seed: int, keep: bool, recompute: bool
        ) -> Tuple[Tensor, List[List[Tensor]]]:
    if p > 0.0:
        torch.manual_seed(seed)
    x, first_mask = dropout(shared.index_select(0, ids), p)
    width = 6
    if encoded.numel() > 0:
        width = 10
    states: List[List[Tensor]] = []
    for i in range(len(w) // width):
        saved = block(
            x, encoded, w[i * width:(i + 1) * width], biases[min(i, len(biases) - 1)], cross_bias, rows, count, epsilon, p, activation,
            gated, kernel, seed + i + 1)
        if keep:
            states.append([x] if recompute else saved[1:])
        x = saved[0]
    if p > 0.0:
        torch.manual_seed(seed + len(w))
    h, scale = norm(x, final, epsilon, w[1].dtype)
    y, mask = dropout(h, p)
    states.append([x, scale, mask, first_mask])
    return y, states


def stack_backward(
        dy: Tensor, states: List[List[Tensor]], ids: Tensor, shared_gradient: Tensor, w: List[Tensor], g: List[Tensor], final: Tensor,
        final_gradient: Tensor, biases: List[Tensor], dbiases: List[Tensor], encoded: Tensor, dencoded: Tensor, cross_bias: Tensor,
        rows: int, count: int, epsilon: float, p: float, activation: int, gated: bool, kernel: int, seed: int) -> int:
    width = 6
    if encoded.numel() > 0:
        width = 10
    end = states[len(states) - 1]
    dx = norm_backward(masked(dy, end[2], p), end[0], end[1], final, final_gradient)
    for n in range(len(w) // width):
        i = len(w) // width - 1 - n
        at = i * width
        bias, dbias = biases[min(i, len(biases) - 1)], dbiases[min(i, len(dbiases) - 1)]
        saved = states[i]
        if len(saved) == 1:
            saved = block(
                saved[0], encoded, w[at:at + width], bias, cross_bias, rows, count, epsilon, p, activation, gated, kernel,
                seed + i + 1)[1:]
        dx = block_backward(
            dx, saved, encoded, w[at:at + width], g[at:at + width], bias, dbias, cross_bias, dencoded, rows, count, p, activation, gated,
            kernel)
        states[i] = []
    shared_gradient.index_add_(0, ids, masked(dx, end[3], p))
    return 0


# Cross-entropy over the positions that have a target, some at a time, since scores over the vocabulary are the largest tensor of all.
# Where there are sets, each position's scores get the bias of its own, which leaves the tokens of a closed set.
# Gives the sum of the losses and the gradient of the states.
def head(
        states: Tensor, targets: Tensor, weights: Tensor, sets: Tensor, own: Tensor, w: Tensor, g: Tensor, scale: float, chunk: int,
        keep: bool) -> Tuple[Tensor, Tensor]:
    total = torch.zeros([1], dtype=weights.dtype, device=weights.device)
    dstates = torch.zeros_like(states)
    at = 0
    while at < states.size(0):
        count = min(chunk, states.size(0) - at)
        x = states.narrow(0, at, count) * scale
        target = targets.narrow(0, at, count).unsqueeze(1)
        scores = torch.mm(x, w.t()).to(weights.dtype)
        if sets.size(0) > 0:
            scores = scores + sets.index_select(0, own.narrow(0, at, count))
        logs = torch.log_softmax(scores, 1)
        total.sub_(torch.sum(logs.gather(1, target)))
        if keep:
            share = weights.narrow(0, at, count).unsqueeze(1)
            dlogits = logs.exp_().scatter_add_(1, target, torch.full_like(share, -1)).mul_(share).to(x.dtype)
            add_product(g, dlogits, x)
            dstates.narrow(0, at, count).copy_(torch.mm(dlogits, w) * scale)
        at += count
    return total, dstates


# A micro-batch: the encoder over all rows, then the decoder once for each of the parts (labels, rationales) that it has.
#   weights, gradients: [shared, head, encoder's final norm, decoder's], then those of the blocks and the relative biases. Of the
#     gradients all are float32, of the weights embedding, norms and relative biases, the others are in the type that is computed in.
#   ids [B, S], mask [B, 1, 1, S]: 0 at tokens, very low at padding. buckets [S, S].
#   parts: of each, its rows [R], decoder's ids [R, T], future [T, T], buckets [T, T], positions of targets [n] within R * T,
#     targets [n], their weights [n], sets of allowed targets as biases [k, V] (or [0, V]), the set of each position [n] (or [0]).
#   count: H. kernel: of attention, as attend lists them. recompute: whether the backward half computes each block again instead of
#     keeping it. training: whether with dropout and gradients. seed: of the dropout; up to 3,000 after it are used too. chunk: positions
#     scored at a time. scale: of the head's input.
# Gives the sum of each part's losses: [parts].
def step(
        weights: List[Tensor], gradients: List[Tensor], encoder: List[Tensor], encoder_gradients: List[Tensor],
        decoder: List[Tensor], decoder_gradients: List[Tensor], encoder_relative: List[Tensor],
        encoder_relative_gradients: List[Tensor], decoder_relative: List[Tensor], decoder_relative_gradients: List[Tensor],
        ids: Tensor, mask: Tensor, buckets: Tensor, parts: List[Tensor], count: int, activation: int, gated: bool, kernel: int,
        recompute: bool, training: bool, seed: int, chunk: int, epsilon: float, dropout_rate: float, scale: float) -> Tensor:
    p = dropout_rate if training else 0.0
    rows, length = ids.size(0), ids.size(1)
    none = torch.empty([0], dtype=weights[0].dtype, device=ids.device)
    flat = ids.view(-1)
    # The fused kernel takes a bias of its inputs' type: cast once, not in every block.
    dtype = weights[1].dtype if kernel == 1 else weights[0].dtype
    biases = position_biases(encoder_relative, buckets, mask, dtype)
    encoded, states = stack(
        flat, weights[0], encoder, weights[2], biases, none, none, rows, count, epsilon, p, activation, gated, kernel, seed, training,
        recompute)
    dencoded = torch.zeros([rows, length * encoded.size(1)], dtype=weights[0].dtype, device=ids.device)
    losses: List[Tensor] = []
    for part in range(len(parts) // 9):
        a = part * 9
        chosen, inputs, future, relative = parts[a], parts[a + 1], parts[a + 2], parts[a + 3]
        positions, targets, shares = parts[a + 4], parts[a + 5], parts[a + 6]
        here = chosen.size(0)
        decoder_ids = inputs.view(-1)
        source = encoded.view(rows, -1).index_select(0, chosen).view(here * length, -1)
        cross_bias = mask.index_select(0, chosen).to(dtype)
        decoder_biases = position_biases(decoder_relative, relative, future, dtype)
        decoder_seed = seed + (part + 1) * 1000
        output, decoder_states = stack(
            decoder_ids, weights[0], decoder, weights[3], decoder_biases, source, cross_bias, here, count, epsilon, p, activation, gated,
            kernel, decoder_seed, training, recompute)
        loss, dhidden = head(
            output.index_select(0, positions), targets, shares, parts[a + 7], parts[a + 8], weights[1], gradients[1], scale, chunk, training)
        losses.append(loss)
        if training:
            doutput = torch.zeros_like(output).index_copy_(0, positions, dhidden)
            dsource = torch.zeros([here * length, encoded.size(1)], dtype=weights[0].dtype, device=ids.device)
            dbiases = [torch.zeros_like(b[0], dtype=weights[0].dtype) for b in decoder_biases]
            stack_backward(
                doutput, decoder_states, decoder_ids, gradients[0], decoder, decoder_gradients, weights[3], gradients[3], decoder_biases,
                dbiases, source, dsource, cross_bias, here, count, epsilon, p, activation, gated, kernel, decoder_seed)
            return_biases(decoder_relative_gradients, dbiases, relative)
            dencoded.index_add_(0, chosen, dsource.view(here, -1))
    if training:
        dbiases = [torch.zeros_like(b[0], dtype=weights[0].dtype) for b in biases]
        stack_backward(
            dencoded.view(rows * length, -1).to(encoded.dtype), states, flat, gradients[0], encoder, encoder_gradients, weights[2],
            gradients[2], biases, dbiases, none, none, none, rows, count, epsilon, p, activation, gated, kernel, seed)
        return_biases(encoder_relative_gradients, dbiases, buckets)
    return torch.cat(losses)
