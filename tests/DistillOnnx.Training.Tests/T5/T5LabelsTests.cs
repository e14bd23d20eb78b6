using DistillOnnx.Core.Labels;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>Label probabilities against decoding every label by itself.</summary>
public sealed class T5LabelsTests
{
    private static readonly int[][] Deep = [[5, 9, 1], [5, 9, 7, 1], [5, 3, 1], [8, 2, 2, 1], [8, 2, 4, 1], [30, 1]];
    private static readonly int[][] Flat = [[4, 1], [6, 1], [7, 1]];

    [Theory]
    [InlineData("v1.0")]
    [InlineData("v1.1")]
    [InlineData("wide-heads-few-buckets")]
    public void Score_OneSet_EqualsConstrainedDecodingOfEachLabel(string name)
    {
        using var model = TinyModels.Create(name);
        using var inputs = PaddedBatch.Create(TinyModels.Tokens(model, 3, 9, 4, 17), 0, CPU);
        var scores = new T5Labels(model).Score(inputs, Trie(Deep));
        for (var row = 0; row < 3; row++)
        {
            AssertClose(ByDecoding(model, inputs, row, Deep), scores[row]);
            Assert.Equal(1, scores[row].Sum(Math.Exp), 9);
        }
    }

    [Fact]
    public void Score_SetPerRow_EqualsScoringEachRowByItself()
    {
        using var model = TinyModels.Create("gated-silu");
        var tokens = TinyModels.Tokens(model, 4, 6, 11);
        using var inputs = PaddedBatch.Create(tokens, 0, CPU);
        var scores = new T5Labels(model).Score(inputs, [Trie(Deep), Trie(Flat)]);
        AssertClose(ByDecoding(model, inputs, 0, Deep), scores[0]);
        AssertClose(ByDecoding(model, inputs, 1, Flat), scores[1]);
    }

    [Fact]
    public void Score_ModelInTraining_IsWithoutDropoutAndLeavesItTraining()
    {
        using var model = TinyModels.Create("v1.0");
        using var inputs = PaddedBatch.Create(TinyModels.Tokens(model, 5, 8), 0, CPU);
        var expected = new T5Labels(model).Score(inputs, Trie(Flat))[0];
        model.train();
        Assert.Equal(expected, new T5Labels(model).Score(inputs, Trie(Flat))[0]);
        Assert.True(model.training);
    }

    private static LabelTrie Trie(int[][] labels) => LabelTrie.Build(labels, [.. labels.Select((_, i) => $"label {i}")]);

    /// <summary>Teacher-forces each label and, step by step, renormalises over the tokens that some label goes on with.</summary>
    private static double[] ByDecoding(T5Model model, PaddedBatch inputs, int row, int[][] labels)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (ids, mask) = (inputs.Ids[row].unsqueeze(0), inputs.Mask[row].unsqueeze(0));
        var encoded = model.Encode(ids, mask);
        return [.. labels.Select(label =>
        {
            var targets = tensor(label.Select(t => (long)t).ToArray()).unsqueeze(0);
            var logits = model.Logits(model.DecodeHidden(model.ShiftRight(targets), encoded, mask))[0].data<float>().ToArray();
            var sum = 0.0;
            for (var i = 0; i < label.Length; i++)
            {
                var allowed = labels.Where(l => l.Length > i && l[..i].SequenceEqual(label[..i])).Select(l => l[i]).Distinct();
                double Logit(int token) => logits[i * model.Config.VocabSize + token];
                sum += Logit(label[i]) - Math.Log(allowed.Sum(t => Math.Exp(Logit(t))));
            }

            return sum;
        })];
    }

    private static void AssertClose(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-4 * (1 + Math.Abs(expected[i])));
    }
}
