using System.Text.Json.Nodes;

namespace DistillOnnx.TestSupport;

/// <summary>
/// A tiny checkpoint that transformers saved, with what transformers computes with it (<c>tests/Interop/transformers/make_fixtures.py</c>
/// makes them).
/// </summary>
internal sealed class TransformersFixture
{
    private static readonly string Root = Path.Combine(AppContext.BaseDirectory, "TransformersFixtures");
    private readonly JsonObject _expected;

    /// <summary>Reads a fixture.</summary>
    /// <param name="name">One of <see cref="Names"/>: the major version of transformers, a slash, the form.</param>
    public TransformersFixture(string name)
    {
        Directory = Path.Combine(Root, name);
        _expected = JsonNode.Parse(File.ReadAllBytes(Path.Combine(Directory, "expected.json")))!.AsObject();
    }

    /// <summary>All fixtures.</summary>
    public static TheoryData<string> Names =>
        [.. System.IO.Directory.EnumerateFiles(Root, "expected.json", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Root, Path.GetDirectoryName(f)!).Replace(Path.DirectorySeparatorChar, '/'))
            .Order(StringComparer.Ordinal)];

    /// <summary>The checkpoint.</summary>
    public string Directory { get; }

    /// <summary>Encoder tokens [B][S], padded.</summary>
    public int[][] Inputs => Rows("input_ids");

    /// <summary>1 for tokens, 0 for padding [B][S].</summary>
    public int[][] Mask => Rows("attention_mask");

    /// <summary>Decoder tokens [B][T].</summary>
    public int[][] DecoderInputs => Rows("decoder_input_ids");

    /// <summary>Logits [B·T·vocab_size].</summary>
    public double[] Logits =>
        [.. _expected["logits"]!.AsArray().SelectMany(r => r!.AsArray()).SelectMany(p => p!.AsArray()).Select(v => (double)v!)];

    /// <summary>What each input is answered with, without the start token, with the end token where it came.</summary>
    public int[][] Greedy => Rows("greedy");

    /// <summary>Most tokens of an answer.</summary>
    public int MaxNewTokens => (int)_expected["max_new_tokens"]!;

    /// <summary>Texts with their tokens; none where the fixture has no tokenizer.</summary>
    public (string Text, int[] Ids)[] Texts =>
        _expected["texts"] is { } texts ? [.. texts.AsArray().Zip(Rows("text_ids"), (t, ids) => ((string)t!, ids))] : [];

    /// <summary>All names that the weights have in transformers, those of shared ones included.</summary>
    public string[] StateNames => [.. _expected["state_dict"]!.AsArray().Select(n => (string)n!)];

    /// <summary>Holds logits to the expected ones.</summary>
    public void AssertLogits(IReadOnlyList<float> found)
    {
        var expected = Logits;
        Assert.Equal(expected.Length, found.Count);
        var error = expected.Zip(found, (e, f) => Math.Abs(e - f)).Max() / expected.Max(Math.Abs);
        Assert.True(error <= 1e-4, $"logits differ by {error:g3} of the largest");
    }

    private int[][] Rows(string key) => [.. _expected[key]!.AsArray().Select(r => r!.AsArray().Select(v => (int)v!).ToArray())];
}
