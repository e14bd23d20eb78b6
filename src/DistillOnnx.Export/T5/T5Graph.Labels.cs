using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.T5;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>
/// Scoring a closed set over the encoder's output. The trie's prefixes up to the last branching are the decoder's
/// positions, all in one run; each sees its ancestors only. Cross-attention never projects keys and values over the
/// encoder's S states: with few positions it is cheaper to carry the query through W_k and the weighted sum through W_v,
/// head by head, since (x W_q)(E W_k)ᵀ = ((x W_q) W_kᵀ) Eᵀ and P (E W_v) = (P E) W_v.
/// </summary>
internal sealed partial class T5Graph
{

    /// <summary>Encoder output [B, S, d_model] and mask [B, S] to label log-probabilities [B, L] for the labels of a plan.</summary>
    public Value ScoreLabels(Value encoderStates, Value attentionMask, LabelPlan plan)
    {
        using var scope = graph.Scope("labels");
        var padding = graph.Unsqueeze(graph.Mul(graph.Sub(graph.Scalar(1f), graph.Cast(attentionMask, ElementType.Float)), graph.Scalar(Hidden)), 1);
        var start = LabelStart.Compute(weights, plan);
        var count = plan.Tokens.Count;
        var blocks = Config.NumDecoderLayers;

        // What precedes the first look at the encoder depends on the labels alone: it is part of the file.
        var x = graph.Constant([.. start.Residual], 1, count, Config.DModel);
        var query = graph.Constant([.. start.Query], 1, Heads * count, Config.DModel);
        var treeBias = count > 1 ? graph.Constant(LabelStart.TreeBias(weights, plan), 1, Heads, count, count) : Value.None;
        Value normed = default;
        for (var block = 0; block < blocks; block++)
        {
            using var blockScope = graph.Scope($"block.{block}");
            if (block > 0)
            {
                var attended = count == 1 ? OnlySelf(normed, block, count) : TreeAttention(normed, block, treeBias, count);
                (x, normed) = AddNorm(x, attended, T5TensorNames.Norm(true, block, 1), count);
                query = FoldedQuery(normed, block, count, count == 1);
            }

            var crossed = FoldedCrossAttention(query, block, encoderStates, padding, count, count == 1);
            (x, normed) = AddNorm(crossed, x, T5TensorNames.Norm(true, block, 2), count);
            var fed = FeedForward(normed, decoder: true, block, count);
            var next = block + 1 < blocks ? T5TensorNames.Norm(true, block + 1, 0) : T5TensorNames.FinalNorm(true);
            (x, normed) = AddNorm(x, fed, next, count);
        }

        return LabelHead(normed, plan);
    }

    /// <summary>Self-attention of a first position: it sees itself alone, so softmax is 1 and what remains is x·W_v·W_o, one matrix.</summary>
    private Value OnlySelf(Value x, int block, Dim length)
    {
        using var scope = graph.Scope("self_attention");
        var v = weights.Projection(T5TensorNames.SelfAttention(true, block, "v"));
        var o = weights.Projection(T5TensorNames.SelfAttention(true, block, "o"));
        // Larger than the two it stands for only where heads·d_kv is less than half of d_model.
        if (Config.DModel > 2 * Inner) return Linear(Linear(x, v, length), o, length);
        return Linear(x, new WeightMatrix($"decoder.block.{block}.layer.0.SelfAttention.vo", [Config.DModel, Config.DModel], () =>
            Matrices.Multiply(v.Read(), o.Read(), Config.DModel, Inner, Config.DModel)), length);
    }

    /// <summary>Self-attention of tree positions [B, P, d_model] with a bias [1|B, H, P, P] that hides all but ancestors.</summary>
    private Value TreeAttention(Value x, int block, Value treeBias, Dim length)
    {
        WeightMatrix Matrix(string name) => weights.Projection(T5TensorNames.SelfAttention(true, block, name));
        using var scope = graph.Scope("self_attention");
        var q = SplitHeads(Linear(x, Matrix("q"), length));
        var k = SplitHeads(Linear(x, Matrix("k"), length));
        var v = SplitHeads(Linear(x, Matrix("v"), length));
        return Linear(JoinHeads(Attend(q, k, v, treeBias)), Matrix("o"), length);
    }

    /// <summary>The query of each head in terms of the encoder's states: x [B, P, d_model] to [B, H·P, d_model].</summary>
    private Value FoldedQuery(Value x, int block, Dim length, bool single)
    {
        using var scope = graph.Scope("cross_attention");
        var q = Linear(x, weights.Projection(T5TensorNames.CrossAttention(block, "q")), length);
        q = single ? graph.Reshape(q, 0, Heads, 1, Config.DKv) : SplitHeads(q);
        // Stored [H·d_kv, d_model], which is W_kᵀ of one head after the other.
        var stored = weights.Stored(T5TensorNames.CrossAttention(block, "k"));
        var perHead = stored with { Name = stored.Name + ".heads", Dims = [Heads, Config.DKv, Config.DModel] };
        return graph.Reshape(HeadLinear(q, perHead), 0, -1, Config.DModel);
    }

    /// <summary>Cross-attention of folded queries [B, H·P, d_model] over the encoder's states [B, S, d_model]: [B, P, d_model].</summary>
    private Value FoldedCrossAttention(Value query, int block, Value states, Value padding, Dim length, bool single)
    {
        using var scope = graph.Scope("cross_attention");
        var scores = MatMulTransposed(query, states);
        var shares = graph.Softmax(graph.Add(scores, padding));
        var seen = graph.Reshape(graph.MatMul(shares, states), 0, Heads, -1, Config.DModel);
        var stored = weights.Stored(T5TensorNames.CrossAttention(block, "v"));
        var perHead = new WeightMatrix(stored.Name + ".heads", [Heads, Config.DModel, Config.DKv], () =>
        {
            var values = stored.Read();
            var size = Config.DKv * Config.DModel;
            for (var head = 0; head < Heads; head++)
                Matrices.Transpose(values[(head * size)..((head + 1) * size)], Config.DKv, Config.DModel).CopyTo(values, head * size);
            return values;
        });
        var mixed = HeadLinear(seen, perHead);
        mixed = single ? graph.Reshape(mixed, 0, 1, Inner) : JoinHeads(mixed);
        return Linear(mixed, weights.Projection(T5TensorNames.CrossAttention(block, "o")), length);
    }

    /// <summary>a·bᵀ over the last two dimensions.</summary>
    private Value MatMulTransposed(Value a, Value b) => form.Portable
        ? graph.MatMul(a, graph.Transpose(b, 0, 2, 1))
        : graph.Node("com.microsoft.FusedMatMul", [a, b], ("transB", 1));

    /// <summary>Decoder output [B, P, d_model] to label log-probabilities [B, L].</summary>
    private Value LabelHead(Value x, LabelPlan plan)
    {
        using var scope = graph.Scope("head");
        var labels = plan.Paths.Count;
        if (plan.Branchings.Count == 1)
        {
            // One choice decides: its log-softmax, in the order of the labels.
            if (plan.Tokens.Count > 1) x = graph.Gather(x, graph.Constant([(long)plan.Branchings[0]]), axis: 1);
            var tokens = plan.Paths.Select(p => plan.Children[0][p[0].Child]).ToArray();
            var logits = graph.Reshape(graph.MatMul(x, Weight(weights.OutputRows(tokens, "lm_head.labels").Transposed())), 0, labels);
            return graph.LogSoftmax(logits);
        }

        // One logit per edge of the trie; then each branching's row, padded; then each label's path.
        var edges = plan.Branchings.SelectMany((position, q) => plan.Children[q].Select(token => (Position: position, Token: token))).ToArray();
        var atEdges = graph.Gather(x, graph.Constant([.. edges.Select(e => (long)e.Position)]), axis: 1);
        var rows = Weight(weights.OutputRows([.. edges.Select(e => e.Token)], "lm_head.edges"));
        var edgeLogits = graph.ReduceSum(graph.Mul(atEdges, rows), 2);

        var width = plan.Children.Max(c => c.Count);
        var (slots, hide) = (new long[plan.Branchings.Count * width], new float[plan.Branchings.Count * width]);
        for (int q = 0, edge = 0; q < plan.Branchings.Count; q++)
        {
            for (var c = 0; c < width; c++)
            {
                if (c < plan.Children[q].Count) slots[(q * width) + c] = edge++;
                else hide[(q * width) + c] = Hidden;
            }
        }

        var choices = graph.Gather(edgeLogits, graph.Constant(slots, plan.Branchings.Count, width), axis: 1);
        var logShares = graph.LogSoftmax(graph.Add(choices, graph.Constant(hide, plan.Branchings.Count, width)));

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

        var flat = graph.Reshape(logShares, 0, -1);
        var path = graph.Mul(graph.Gather(flat, graph.Constant(steps, labels, longest), axis: 1), graph.Constant(taken, labels, longest));
        return graph.ReduceSum(path, 2);
    }
}
