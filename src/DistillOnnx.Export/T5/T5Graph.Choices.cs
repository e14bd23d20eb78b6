using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export.T5;

/// <summary>
/// Scoring closed sets that each row brings along: the same computation as for one fixed set, with the tries as inputs
/// (<see cref="ChoiceInputs"/>), so that nothing of the decoder can be worked out ahead.
/// </summary>
internal sealed partial class T5Graph
{
    /// <summary>The inputs that describe the tries, in the order of <see cref="ChoiceInputs"/>.</summary>
    internal readonly record struct Tries(Value Tokens, Value Depths, Value Visible, Value BranchPositions, Value BranchTokens, Value LabelSteps);

    /// <summary>Encoder output [B, S, d_model], mask [B, S] and tries to label log-probabilities [B, L].</summary>
    public Value ScoreChoices(Value encoderStates, Value attentionMask, Tries tries, Dim positions, Dim states)
    {
        using var scope = graph.Scope("labels");
        var padding = graph.Unsqueeze(HiddenBy(attentionMask), 1);
        var rows = DepthRows(tries);
        var treeBias = ByBlock(block => VisibleBias(tries, block, rows));
        var x = Embed(tries.Tokens);
        var normed = Norm(x, T5TensorNames.Norm(true, 0, 0));
        for (var block = 0; block < Config.NumDecoderLayers; block++)
        {
            using var blockScope = graph.Scope($"block.{block}");
            var attended = TreeAttention(normed, normed, block, treeBias(block), positions, positions);
            (x, normed) = AddNorm(x, attended, T5TensorNames.Norm(true, block, 1), positions);
            var query = FoldedQuery(normed, block, positions);
            var crossed = FoldedCrossAttention(query, block, encoderStates, padding, positions, "heads_by_positions", states);
            (x, normed) = AddNorm(x, crossed, T5TensorNames.Norm(true, block, 2), positions);
            var fed = FeedForward(normed, decoder: true, block, positions);
            var next = block + 1 < Config.NumDecoderLayers ? T5TensorNames.Norm(true, block + 1, 0) : T5TensorNames.FinalNorm(true);
            (x, normed) = AddNorm(x, fed, next, positions);
        }

        return ChoiceHead(normed, tries);
    }

    /// <summary>The row of each difference of depths [B, P, P] in the tables of <see cref="BiasByDistance"/>. They hide depths ahead.</summary>
    private Value DepthRows(Tries tries)
    {
        using var scope = graph.Scope("tree_bias");
        return RowsOf(graph.Sub(graph.Unsqueeze(tries.Depths, 1), graph.Unsqueeze(tries.Depths, 2)), Ahead(decoder: true));
    }

    /// <summary>A decoder block's relative position bias by depth, [B, H, P, P]; what a position does not see is hidden.</summary>
    private Value VisibleBias(Tries tries, int block, Value rows)
    {
        using var scope = graph.Scope("tree_bias");
        var table = Weight(BiasByDistance(decoder: true, block, Ahead(decoder: true)));
        var byDepth = graph.Transpose(graph.Gather(table, rows), 0, 3, 1, 2);
        return graph.Node("Where", [graph.Unsqueeze(tries.Visible, 1), byDepth, graph.Scalar(Hidden)]);
    }

    /// <summary>Decoder output [B, P, d_model] to label log-probabilities [B, L]: logits at branchings, a softmax each, sums along paths.</summary>
    private Value ChoiceHead(Value x, Tries tries)
    {
        using var scope = graph.Scope("head");
        var atBranchings = graph.Node("GatherND", [x, graph.Unsqueeze(tries.BranchPositions, 2)], ("batch_dims", 1));
        var zero = graph.Scalar(0L);
        var absentTokens = graph.Node("Less", [tries.BranchTokens, zero]);
        var rows = Rows(weights.Stored(weights.OutputName), graph.Node("Max", [tries.BranchTokens, zero]));
        // [B, Q, C, d] · [B, Q, d, 1]
        var logits = graph.Node("Squeeze", [graph.MatMul(rows, graph.Unsqueeze(atBranchings, 3)), graph.Constant([3L])]);
        logits = graph.Mul(logits, graph.Scalar(weights.OutputScale));
        var shares = graph.LogSoftmax(graph.Node("Where", [absentTokens, graph.Scalar(Hidden), logits]));

        // GatherND over each row's flattened branchings: [B, Q·C] by [B, L, D].
        var flat = graph.Reshape(shares, 0, -1);
        var steps = graph.Node("Max", [tries.LabelSteps, zero]);
        var path = graph.Node("GatherND", [flat, graph.Unsqueeze(steps, 3)], ("batch_dims", 1));
        var absentSteps = graph.Node("Less", [tries.LabelSteps, zero]);
        var sums = graph.ReduceSum(graph.Node("Where", [absentSteps, graph.Scalar(0f), path]), 2);
        var absentLabels = graph.Node("ReduceMin", [graph.Cast(absentSteps, ElementType.Int32)], ("axes", new[] { 2 }), ("keepdims", 0));
        return graph.Node("Where", [graph.Cast(absentLabels, ElementType.Bool), graph.Scalar(Hidden), sums]);
    }
}
