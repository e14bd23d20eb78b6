using DistillOnnx.Core.Prediction;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.T5;
using DistillOnnx.Training.Tests.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.Generation;

/// <summary>Decoding against the reference's ids.</summary>
public sealed class StudentGeneratorTests
{
    public static TheoryData<string> Names => Golden.Names;

    [Theory, MemberData(nameof(Names))]
    public void Greedy_PaddedBatch_EqualsReference(string name)
    {
        using var golden = new Golden(name);
        using var inputs = new PaddedBatch(golden.Ids("input_ids"), golden.Ids("attention_mask"));
        var length = golden["greedy", "max_length"].GetInt32();
        AssertIds(golden.Rows("greedy", "ids"), new StudentGenerator(golden.Model).Greedy(inputs, length - 1));
    }

    [Theory, MemberData(nameof(Names))]
    public void Beam_PaddedBatch_EqualsReference(string name)
    {
        using var golden = new Golden(name);
        using var inputs = new PaddedBatch(golden.Ids("input_ids"), golden.Ids("attention_mask"));
        var length = golden["beam3", "max_length"].GetInt32();
        AssertIds(golden.Rows("beam3", "ids"), new StudentGenerator(golden.Model).Beam(inputs, beams: 3, length - 1));
    }

    [Theory]
    [InlineData(1, float.NaN)]
    [InlineData(3, float.NaN)]
    [InlineData(1, float.PositiveInfinity)]
    [InlineData(3, float.PositiveInfinity)]
    public void Decode_InputThatIsAnsweredWithNoNumbers_IsRefused(int beams, float weight)
    {
        // The head is another matrix, so that the spoilt row is only read where an input has its token.
        using var model = TinyModels.Create("v1.1");
        using (no_grad()) model.named_parameters().Single(p => p.name == "shared.weight").parameter[9].fill_(weight);
        var generator = new StudentGenerator(model);
        IReadOnlyList<int[]> Decode(params int[][] rows)
        {
            using var batch = PaddedBatch.Create(rows, model.Config.PadTokenId, CPU);
            return beams == 1 ? generator.Greedy(batch, 4) : generator.Beam(batch, beams, 4);
        }

        Assert.All(Decode([5, 6, 1], [7, 1]), Assert.NotEmpty);
        var fault = Assert.Throws<InferenceException>(() => Decode([5, 6, 1], [9, 1]));
        Assert.Contains("no numbers", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>The reference's ids begin with the start token and are padded.</summary>
    private static void AssertIds(long[][] expected, IReadOnlyList<int[]> actual)
    {
        Assert.Equal(expected.Length, actual.Count);
        for (var b = 0; b < expected.Length; b++)
        {
            Assert.Equal(expected[b][1..].Take(actual[b].Length), actual[b].Select(t => (long)t));
            Assert.All(expected[b][1..].Skip(actual[b].Length), t => Assert.Equal(0, t));
        }
    }
}
