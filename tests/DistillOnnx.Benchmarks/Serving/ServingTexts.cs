using DistillOnnx.Benchmarks.Training;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>Texts of given lengths in tokens, made of whole pieces of the student's vocabulary.</summary>
internal sealed class ServingTexts
{
    private const int FirstPiece = 30_000, LastPiece = 31_000;

    private readonly BundlePredictor _predictor;
    private readonly int _overhead;

    public ServingTexts(BundlePredictor predictor)
    {
        _predictor = predictor;
        _overhead = Tokens(Text(1, new Random(1))) - 1;
    }

    /// <summary>Texts as long as e-SNLI's inputs, in an order that has nothing to do with length, and where the lengths are from.</summary>
    public (string[] Texts, string Source) Esnli(string? shared, int count)
    {
        var (rows, source) = RowLengths.Esnli(shared, count, LastPiece);
        return ([.. Of([.. rows.Select(r => r.Sequences[0].Source.Length)])], source);
    }

    /// <summary>Texts of so many tokens each, prefix and end token included.</summary>
    public string[] Of(IReadOnlyList<int> lengths)
    {
        var random = new Random(1);
        var texts = new string[lengths.Count];
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = Text(Math.Max(1, lengths[i] - _overhead), random);
            if (lengths[i] > _overhead && Tokens(texts[i]) != lengths[i])
                throw new InvalidOperationException($"a text of {lengths[i]} tokens came out as one of {Tokens(texts[i])}");
        }

        return texts;
    }

    /// <summary>Length of a text as the model reads it.</summary>
    public int Tokens(string text) => _predictor.Encode(new PredictorInput(text)).Tokens.Length;

    private static string Text(int pieces, Random random) =>
        string.Concat(Enumerable.Range(0, pieces).Select(_ => $"w{random.Next(FirstPiece, LastPiece)}"));
}
