using DistillOnnx.Core.Bundles;
using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export.T5;

/// <summary>
/// Scoring closed sets that each row brings along: the same computation as for one fixed set, with the tries as inputs
/// (<see cref="ChoiceInputs"/>), so that nothing of the decoder can be worked out ahead.
/// </summary>
/// <param name="model">The model; its encoder is in the graph already.</param>
internal sealed class T5Choices(T5Model model)
{
    private readonly GraphBuilder _graph = model.Context.Graph;

    /// <summary>The inputs that describe the tries, in the order of <see cref="ChoiceInputs"/>.</summary>
    internal readonly record struct Tries(
        Value Tokens, Value Depths, Value Visible, Value BranchPositions, Value BranchTokens, Value LabelSteps);

    /// <summary>Encoder output [B, S, d_model], mask [B, S] and tries → label log-probabilities [B, L].</summary>
    public Value Score(Value encoderStates, Value attentionMask, Tries tries, Dim positions, Dim states)
    {
        using var scope = _graph.Scope("labels");
        var padding = model.MaskBias(attentionMask, 1);
        var rows = DepthRows(tries);
        var treeBias = model.Decoder.SelfBias(p => TreeBias(p, tries, rows));
        var hidden = model.Decoder.Forward(model.Embed(tries.Tokens), (i, x) =>
        {
            var block = model.Decoder.Blocks[i];
            x.Normed = T5Labels.TreeAttention(_graph, block, x.Normed, x.Normed, treeBias(i), positions, positions);
            x = block.CrossNorm!.ForwardSum(x.X, x.Normed, positions);
            var cross = new T5FoldedAttention(model.Context, block.CrossAttention!);
            x.Normed = cross.Forward(cross.Query(x.Normed, positions), encoderStates, padding, positions, "heads_by_positions", states);
            x = block.FeedForwardNorm.ForwardSum(x.X, x.Normed, positions);
            return model.Decoder.NormAfter(i).ForwardSum(x.X, block.FeedForward.Forward(x.Normed, positions), positions);
        });
        return LogProbabilities(hidden, tries);
    }

    /// <summary>The row of each difference of depths [B, P, P] in the tables of relative position biases. They hide depths ahead.</summary>
    private Value DepthRows(Tries tries)
    {
        using var scope = _graph.Scope("tree_bias");
        return model.Decoder.RelativePosition.Rows(_graph.Sub(_graph.Unsqueeze(tries.Depths, 1), _graph.Unsqueeze(tries.Depths, 2)));
    }

    /// <summary>Position bias and mask of the tries' nodes by depth, [B, heads, P, P].</summary>
    private Value TreeBias(T5RelativePosition relative, Tries tries, Value rows)
    {
        using var scope = _graph.Scope("tree_bias");
        var byDepth = relative.BatchBias(rows);
        return _graph.Node("Where", [_graph.Unsqueeze(tries.Visible, 1), byDepth, _graph.Scalar(T5Model.MaskedScore)]);
    }

    /// <summary>
    /// Decoder output [B, P, d_model] → label log-probabilities [B, L]: logits at branchings, a softmax each, sums along paths.
    /// </summary>
    private Value LogProbabilities(Value x, Tries tries)
    {
        using var scope = _graph.Scope("head");
        var atBranchings = _graph.Node("GatherND", [x, _graph.Unsqueeze(tries.BranchPositions, 2)], ("batch_dims", 1));
        var zero = _graph.Scalar(0L);
        var masked = _graph.Scalar(T5Model.MaskedScore);
        var absentTokens = _graph.Node("Less", [tries.BranchTokens, zero]);
        var rows = model.HeadRows(_graph.Node("Max", [tries.BranchTokens, zero]));
        // [B, Q, C, d] · [B, Q, d, 1]
        var logits = _graph.Node("Squeeze", [_graph.MatMul(rows, _graph.Unsqueeze(atBranchings, 3)), _graph.Constant([3L])]);
        logits = _graph.Mul(logits, _graph.Scalar(model.Context.Weights.OutputScale));
        var shares = _graph.LogSoftmax(_graph.Node("Where", [absentTokens, masked, logits]));

        // GatherND over each row's flattened branchings: [B, Q·C] by [B, L, D].
        var flat = _graph.Reshape(shares, 0, -1);
        var steps = _graph.Node("Max", [tries.LabelSteps, zero]);
        var path = _graph.Node("GatherND", [flat, _graph.Unsqueeze(steps, 3)], ("batch_dims", 1));
        var absentSteps = _graph.Node("Less", [tries.LabelSteps, zero]);
        var sums = _graph.ReduceSum(_graph.Node("Where", [absentSteps, _graph.Scalar(0f), path]), 2);
        var absentLabels = _graph.Reduce("ReduceMin", _graph.Cast(absentSteps, ElementType.Int32), 2, keep: false);
        return _graph.Node("Where", [_graph.Cast(absentLabels, ElementType.Bool), masked, sums]);
    }
}
