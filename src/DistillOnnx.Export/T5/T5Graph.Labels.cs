using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Labels;
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
    public Value ScoreLabels(Value encoderStates, Value attentionMask, LabelPlan plan, Dim states)
    {
        using var scope = graph.Scope("labels");
        var count = plan.Tokens.Count;
        var blocks = Config.NumDecoderLayers;
        // Folding costs H·P·S·d_model, projecting S·d_model·H·d_kv: with as many positions as a head is wide, project.
        var fold = count < Config.DKv;
        var padding = fold ? graph.Unsqueeze(HiddenBy(attentionMask), 1) : PaddingBias(attentionMask);
        var treeBias = ByBlock(block => LabelStart.TreeBias(weights, plan, block));

        // What precedes the first look at the encoder depends on the labels alone: it is part of the file.
        var start = LabelStart.Compute(weights, plan, treeBias(0));
        if (blocks == 1) start = start.At(plan.Branchings, Config);
        var x = graph.Constant(start.Residual, 1, start.Count, Config.DModel);
        Value normed = default;
        for (var block = 0; block < blocks; block++)
        {
            using var blockScope = graph.Scope($"block.{block}");
            // After the last self-attention only the positions at which labels part have a use.
            var last = block == blocks - 1;
            var length = last ? plan.Branchings.Count : count;
            if (block > 0)
            {
                Value attended;
                if (count == 1) attended = OnlySelf(normed, block, length);
                else (attended, x) = TreeAttention(normed, x, block, treeBias(block), last ? plan.Branchings : null, count);
                (x, normed) = AddNorm(x, attended, T5TensorNames.Norm(true, block, 1), length);
            }
            else if (!fold)
            {
                normed = graph.Constant(start.Normed, 1, start.Count, Config.DModel);
            }

            Value crossed;
            if (fold)
            {
                var query = block == 0 ? graph.Constant(start.FoldedQuery(weights), 1, Heads * start.Count, Config.DModel) : FoldedQuery(normed, block, length);
                crossed = FoldedCrossAttention(query, block, encoderStates, padding, length, Heads * length, states);
            }
            else
            {
                crossed = CrossAttention(normed, block, encoderStates, NoCache, padding, length, states).Result;
            }

            (x, normed) = AddNorm(crossed, x, T5TensorNames.Norm(true, block, 2), length);
            var fed = FeedForward(normed, decoder: true, block, length);
            (x, normed) = AddNorm(x, fed, last ? T5TensorNames.FinalNorm(true) : T5TensorNames.Norm(true, block + 1, 0), length);
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

    /// <summary>
    /// Self-attention of tree positions [B, P, d_model] with a bias [H, P, P] that hides all but ancestors; of the positions
    /// kept alone, if any are named, with the residual stream there.
    /// </summary>
    private (Value Attended, Value X) TreeAttention(Value normed, Value x, int block, float[] treeBias, IReadOnlyList<int>? kept, int count)
    {
        var queries = normed;
        if (kept is not null && kept.Count < count)
        {
            var rows = graph.Constant([.. kept.Select(p => (long)p)]);
            queries = graph.Gather(normed, rows, axis: 1);
            x = graph.Gather(x, rows, axis: 1);
            treeBias = [.. Enumerable.Range(0, Heads).SelectMany(h => kept.SelectMany(p => treeBias[(((h * count) + p) * count)..(((h * count) + p + 1) * count)]))];
        }

        var bias = graph.Constant(treeBias, 1, Heads, kept?.Count ?? count, count);
        return (TreeAttention(queries, normed, block, bias, kept?.Count ?? count, count), x);
    }

    /// <summary>Self-attention of queries [B, Q, d_model] over tree positions [B, P, d_model] with a bias [1|B, H, Q, P].</summary>
    private Value TreeAttention(Value queries, Value positions, int block, Value bias, Dim queryLength, Dim length)
    {
        WeightMatrix Matrix(string name) => weights.Projection(T5TensorNames.SelfAttention(true, block, name));
        using var scope = graph.Scope("self_attention");
        var q = SplitHeads(Linear(queries, Matrix("q"), queryLength));
        var k = SplitHeads(Linear(positions, Matrix("k"), length));
        var v = SplitHeads(Linear(positions, Matrix("v"), length));
        return Linear(JoinHeads(Attend(q, k, v, bias)), Matrix("o"), queryLength);
    }

    /// <summary>The query of each head in terms of the encoder's states: x [B, P, d_model] to [B, H·P, d_model].</summary>
    private Value FoldedQuery(Value x, int block, Dim length)
    {
        using var scope = graph.Scope("cross_attention");
        var q = Linear(x, weights.Projection(T5TensorNames.CrossAttention(block, "q")), length);
        // One position has nothing to be transposed with.
        q = length == 1 ? graph.Reshape(q, 0, Heads, 1, Config.DKv) : SplitHeads(q);
        // Stored [H·d_kv, d_model], which is W_kᵀ of one head after the other.
        var stored = weights.Stored(T5TensorNames.CrossAttention(block, "k"));
        var perHead = stored with { Name = stored.Name + ".heads", Dims = [Heads, Config.DKv, Config.DModel] };
        return graph.Reshape(HeadLinear(q, perHead), 0, -1, Config.DModel);
    }

    /// <summary>Cross-attention of folded queries [B, H·P, d_model] over the encoder's states [B, S, d_model]: [B, P, d_model].</summary>
    private Value FoldedCrossAttention(Value query, int block, Value states, Value padding, Dim length, Dim queries, Dim statesLength)
    {
        using var scope = graph.Scope("cross_attention");
        var scores = graph.Is(MatMulTransposed(query, states), ElementType.Float, Batch, queries, statesLength);
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
        mixed = length == 1 ? graph.Reshape(mixed, 0, 1, Inner) : JoinHeads(mixed);
        return Linear(mixed, weights.Projection(T5TensorNames.CrossAttention(block, "o")), length);
    }

    /// <summary>a·bᵀ over the last two dimensions.</summary>
    private Value MatMulTransposed(Value a, Value b) => form.Portable
        ? graph.MatMul(a, graph.Transpose(b, 0, 2, 1))
        : graph.Node("com.microsoft.FusedMatMul", [a, b], ("transB", 1));

    /// <summary>Decoder output at the branchings [B, Q, d_model] to label log-probabilities [B, L].</summary>
    private Value LabelHead(Value x, LabelPlan plan)
    {
        using var scope = graph.Scope("head");
        var labels = plan.Paths.Count;
        if (plan.Branchings.Count == 1)
        {
            // One choice decides: its log-softmax, in the order of the labels.
            var tokens = plan.Paths.Select(p => plan.Children[0][p[0].Child]).ToArray();
            var logits = graph.Reshape(graph.MatMul(x, Weight(weights.OutputRows(tokens, "lm_head.labels").Transposed())), 0, labels);
            return graph.LogSoftmax(logits);
        }

        // One logit per edge of the trie; then each branching's row, padded; then each label's path.
        var edges = plan.Children.SelectMany((children, q) => children.Select(token => (Branching: q, Token: token))).ToArray();
        var atEdges = graph.Gather(x, graph.Constant([.. edges.Select(e => (long)e.Branching)]), axis: 1);
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
