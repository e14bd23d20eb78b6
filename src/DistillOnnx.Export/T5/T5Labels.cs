using DistillOnnx.Core.Labels;
using DistillOnnx.Core.T5;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>
/// Probabilities of a closed set: those of decoding that is held to the set's token sequences. The trie's prefixes up to the
/// last branching are the decoder's positions, all in one run; each sees its ancestors only.
/// </summary>
/// <param name="model">The model; its encoder is in the graph already.</param>
internal sealed class T5Labels(T5Model model)
{
    private readonly GraphBuilder _graph = model.Context.Graph;
    private readonly T5Weights _weights = model.Context.Weights;

    private T5Config Config => _weights.Config;

    /// <summary>Encoder output [B, S, d_model] and mask [B, S] → label log-probabilities [B, L] for the labels of a plan.</summary>
    public Value Score(Value encoderStates, Value attentionMask, LabelPlan plan, Dim states)
    {
        using var scope = _graph.Scope("labels");
        var count = plan.Tokens.Count;
        var blocks = model.Decoder.Blocks;
        // Folding costs H·P·S·d_model, projecting S·d_model·H·d_kv: with as many positions as a head is wide, project.
        var fold = count < Config.DKv;
        var padding = fold ? model.MaskBias(attentionMask, 1) : model.MaskBias(attentionMask, 1, 2);
        var treeBias = model.Decoder.SelfBias(p => TreeBias(p, plan));

        // What precedes the first cross-attention depends on the labels alone: it is computed at export and stored.
        var start = LabelStart.Compute(_weights, plan, treeBias(0));
        if (blocks.Count == 1) start = start.At(plan.Branchings, Config);
        (Value X, Value Normed) x = (_graph.Constant(start.Residual, 1, start.Count, Config.DModel), default);
        for (var i = 0; i < blocks.Count; i++)
        {
            using var blockScope = _graph.Scope($"block.{i}");
            var block = blocks[i];
            // After the last self-attention only the positions at which labels part have a use.
            var last = i == blocks.Count - 1;
            var length = last ? plan.Branchings.Count : count;
            if (i > 0)
            {
                if (count == 1) x.Normed = OnlySelf(x.Normed, block, i, length);
                else x = TreeAttention(x, block, treeBias(i), last ? plan.Branchings : null, count);
                x = block.CrossNorm!.ForwardSum(x.X, x.Normed, length);
            }
            else if (!fold)
            {
                x.Normed = _graph.Constant(start.Normed, 1, start.Count, Config.DModel);
            }

            Value crossed;
            if (fold)
            {
                var cross = new T5FoldedAttention(model.Context, block.CrossAttention!);
                var query = i == 0
                    ? _graph.Constant(start.FoldedQuery(_weights), 1, Config.NumHeads * start.Count, Config.DModel)
                    : cross.Query(x.Normed, length);
                crossed = cross.Forward(query, encoderStates, padding, length, Config.NumHeads * length, states);
            }
            else
            {
                using var crossScope = _graph.Scope("cross_attention");
                var query = block.CrossAttention!.Queries(x.Normed, length);
                var (key, value) = block.CrossAttention.KeysAndValues(encoderStates, states);
                crossed = block.CrossAttention.Forward(query, key, value, padding, length);
            }

            x = block.FeedForwardNorm.ForwardSum(crossed, x.X, length);
            x = model.Decoder.NormAfter(i).ForwardSum(x.X, block.FeedForward.Forward(x.Normed, length), length);
        }

        return LogProbabilities(x.Normed, plan);
    }

    /// <summary>
    /// Self-attention of a first position: it sees itself alone, so softmax is 1 and what remains is x·W_v·W_o, one matrix.
    /// </summary>
    private Value OnlySelf(Value x, T5Block block, int number, Dim length)
    {
        using var scope = _graph.Scope("self_attention");
        var (v, o) = (block.SelfAttention.V, block.SelfAttention.O);
        // Larger than the two it stands for only where heads·d_kv is less than half of d_model.
        if (Config.DModel > 2 * Config.InnerDim) return o.Forward(v.Forward(x, length), length);
        var product = new WeightMatrix($"decoder.block.{number}.layer.0.SelfAttention.vo", [Config.DModel, Config.DModel], () =>
            Matrices.Multiply(v.Weight.Read(), o.Weight.Read(), Config.DModel, Config.InnerDim, Config.DModel));
        return new T5Linear(model.Context, product).Forward(x, length);
    }

    /// <summary>
    /// Self-attention of tree positions [B, P, d_model] with a bias [H, P, P] that hides all but ancestors; of the positions
    /// kept alone, if any are named, with the residual stream there.
    /// </summary>
    private (Value X, Value Attended) TreeAttention(
        (Value X, Value Normed) x, T5Block block, float[] treeBias, IReadOnlyList<int>? kept, int count)
    {
        var queries = x.Normed;
        if (kept is not null && kept.Count < count)
        {
            var rows = _graph.Constant([.. kept.Select(p => (long)p)]);
            queries = _graph.Gather(x.Normed, rows, axis: 1);
            x.X = _graph.Gather(x.X, rows, axis: 1);
            treeBias =
            [
                .. Enumerable.Range(0, Config.NumHeads).SelectMany(h => kept.SelectMany(p =>
                    treeBias[(((h * count) + p) * count)..(((h * count) + p + 1) * count)])),
            ];
        }

        var length = kept?.Count ?? count;
        var bias = _graph.Constant(treeBias, 1, Config.NumHeads, length, count);
        return (x.X, TreeAttention(_graph, block, queries, x.Normed, bias, length, count));
    }

    /// <summary>Self-attention of queries [B, Q, d_model] over tree positions [B, P, d_model] with a bias [1|B, H, Q, P].</summary>
    internal static Value TreeAttention(
        GraphBuilder graph, T5Block block, Value queries, Value positions, Value bias, Dim queryLength, Dim length)
    {
        using var scope = graph.Scope("self_attention");
        var query = block.SelfAttention.Queries(queries, queryLength);
        var (key, value) = block.SelfAttention.KeysAndValues(positions, length);
        return block.SelfAttention.Forward(query, key, value, bias, queryLength);
    }

    /// <summary>Decoder output at the branchings [B, Q, d_model] → label log-probabilities [B, L].</summary>
    private Value LogProbabilities(Value x, LabelPlan plan)
    {
        using var scope = _graph.Scope("head");
        var labels = plan.Paths.Count;
        if (plan.Branchings.Count == 1)
        {
            // One choice decides: its log-softmax, in the order of the labels.
            var tokens = plan.Paths.Select(p => plan.Children[0][p[0].Child]).ToArray();
            var matrix = model.Context.Weight(_weights.OutputRows(tokens, "lm_head.labels").Transposed());
            return _graph.LogSoftmax(_graph.Reshape(_graph.MatMul(x, matrix), 0, labels));
        }

        // One logit per edge of the trie; then each branching's row, padded; then each label's path.
        var edges = plan.Children.SelectMany((children, q) => children.Select(token => (Branching: q, Token: token))).ToArray();
        var atEdges = _graph.Gather(x, _graph.Constant([.. edges.Select(e => (long)e.Branching)]), axis: 1);
        var rows = model.Context.Weight(_weights.OutputRows([.. edges.Select(e => e.Token)], "lm_head.edges"));
        var edgeLogits = _graph.ReduceSum(_graph.Mul(atEdges, rows), 2);

        var width = plan.Children.Max(c => c.Count);
        var (slots, hide) = (new long[plan.Branchings.Count * width], new float[plan.Branchings.Count * width]);
        for (int q = 0, edge = 0; q < plan.Branchings.Count; q++)
        {
            for (var c = 0; c < width; c++)
            {
                if (c < plan.Children[q].Count) slots[(q * width) + c] = edge++;
                else hide[(q * width) + c] = T5Model.MaskedScore;
            }
        }

        var choices = _graph.Gather(edgeLogits, _graph.Constant(slots, plan.Branchings.Count, width), axis: 1);
        var logShares = _graph.LogSoftmax(_graph.Add(choices, _graph.Constant(hide, plan.Branchings.Count, width)));

        var longest = plan.Paths.Max(p => p.Count);
        var (steps, taken) = (new long[labels * longest], new float[labels * longest]);
        for (var label = 0; label < labels; label++)
        {
            for (var s = 0; s < plan.Paths[label].Count; s++)
            {
                var (branching, child) = plan.Paths[label][s];
                steps[(label * longest) + s] = (branching * width) + child;
                taken[(label * longest) + s] = 1;
            }
        }

        var flat = _graph.Reshape(logShares, 0, -1);
        var path = _graph.Mul(
            _graph.Gather(flat, _graph.Constant(steps, labels, longest), axis: 1), _graph.Constant(taken, labels, longest));
        return _graph.ReduceSum(path, 2);
    }

    /// <summary>Position bias and mask of the trie's nodes: [heads, P, P].</summary>
    private float[] TreeBias(T5RelativePosition relative, LabelPlan plan)
    {
        var (heads, count) = (Config.NumHeads, plan.Tokens.Count);
        var table = relative.Weight.Read();
        var bias = new float[heads * count * count];
        for (var query = 0; query < count; query++)
        {
            for (var key = 0; key < count; key++)
            {
                var bucket = relative.Bucket(plan.Depths[key] - plan.Depths[query]);
                var sees = plan.Sees(query, key);
                for (var head = 0; head < heads; head++)
                    bias[(((head * count) + query) * count) + key] = sees ? table[(bucket * heads) + head] : T5Model.MaskedScore;
            }
        }

        return bias;
    }
}
