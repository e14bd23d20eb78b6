using DistillOnnx.Checkpoints;
using DistillOnnx.Export.T5;
using DistillOnnx.Export.Weights;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Export.Tests;

/// <summary>Graphs of checkpoints that transformers saved, against what transformers computes with them.</summary>
public sealed class TransformersGraphTests
{
    public static TheoryData<string> Names => TransformersFixture.Names;

    [Theory, MemberData(nameof(Names))]
    public void Graphs_SavedByTransformers_GiveItsLogitsAndGreedyIds(string name)
    {
        var fixture = new TransformersFixture(name);
        using var checkpoint = Checkpoint.Open(fixture.Directory);
        var weights = new T5Weights(checkpoint.Config, checkpoint.Tensors);
        using var encoder = OnnxGraph.Of(T5Graphs.Encoder(weights, new GraphForm()));
        using var decoder = OnnxGraph.Of(T5Graphs.Decoder(weights, new GraphForm()));
        var (ids, mask) = (Longs(fixture.Inputs), Longs(fixture.Mask));
        var states = encoder.Run(("input_ids", ids.Values, ids.Shape), ("attention_mask", mask.Values, mask.Shape))["last_hidden_state"];
        float[] Decode(int[][] tokens)
        {
            var decoded = Longs(tokens);
            return decoder.Run(
                ("encoder_attention_mask", mask.Values, mask.Shape), ("input_ids", decoded.Values, decoded.Shape),
                ("encoder_hidden_states", states.Values, states.Shape))["logits"].Values;
        }

        fixture.AssertLogits(Decode(fixture.DecoderInputs));

        // Without a cache: every step decodes all that came before.
        var (rows, vocabulary) = (fixture.Inputs.Length, checkpoint.Config.VocabSize);
        var answers = Enumerable.Range(0, rows).Select(_ => new List<int> { checkpoint.Config.DecoderStartTokenId }).ToArray();
        for (var step = 0; step < fixture.MaxNewTokens; step++)
        {
            var logits = Decode([.. answers.Select(a => a.ToArray())]);
            for (var row = 0; row < rows; row++)
            {
                var last = logits.AsSpan(((row * (step + 1)) + step) * vocabulary, vocabulary);
                answers[row].Add(System.Numerics.Tensors.TensorPrimitives.IndexOfMax(last));
            }
        }

        Assert.Equal(fixture.Greedy, answers.Select(a => UntilEnd([.. a.Skip(1)], checkpoint.Config.EosTokenId)));
    }

    private static int[] UntilEnd(int[] ids, int end) => Array.IndexOf(ids, end) is >= 0 and var at ? ids[..(at + 1)] : ids;

    private static (long[] Values, long[] Shape) Longs(int[][] rows) =>
        ([.. rows.SelectMany(r => r).Select(t => (long)t)], [rows.Length, rows[0].Length]);
}
