using System.IO.Compression;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Tokenization;

/// <summary>T5's own model on real and on awkward text, against SentencePiece itself, where both are at hand.</summary>
public class SharedDataTests
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyzABC0123456789 .,-";

    [Fact]
    public void Encode_TrainingText_EqualsSentencePiece()
    {
        using var packed = new GZipStream(File.OpenRead(SharedData.Require("data/corpus/train_text.txt.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(packed);
        var lines = new List<string>();
        while (lines.Count < 20_000 && reader.ReadLine() is { } line) lines.Add(line);

        AssertSame(lines);
    }

    [Fact]
    public void Encode_AdversarialText_EqualsSentencePiece()
    {
        var random = new Random(3);
        string[] odd =
        [
            "\u0001", "\u0007", "\u000b", "\u000c", "\u001b", "\u007f", "\u0085", "\u00a0", "\u00ad", "\u200b", "\u200d", "\u2028",
            "\u2581", "\ufeff", "\ufffd",
            "\u0301", "\u0302\u0323", "\u3099", "\ufb01", "\u00bd", "\uff21", "\u1e9b\u0323", "\u4e2d\u6587", "\u0440\u0443\u0441",
            "\u0e01\u0e47", "\u0928\u0940",
            "\u1100\u1161\u11a8", "\U0001f600", "\U0001f469\u200d\U0001f680", "\U0001f1eb\U0001f1f7", "\U0010ffff", "</s>", "<pad>",
            "<unk>", "<extra_id_0>", "  ", "\t",
        ];
        string Any() => random.Next(3) == 0 ? odd[random.Next(odd.Length)] : Letters[random.Next(Letters.Length)].ToString();
        var lines = Enumerable.Range(0, 4_000).Select(_ => string.Concat(Enumerable.Range(0, random.Next(1, 60)).Select(_ => Any())))
            .Concat(Enumerable.Range(0, 1_000).Select(_ => string.Concat(Enumerable.Repeat(Any(), random.Next(1, 300)))))
            .Concat(
                [
                    new string('a', 100_000), new string('.', 100_000), string.Concat(Enumerable.Repeat("</s>", 25_000)),
                    string.Concat(Enumerable.Range(0, 50_000).Select(_ => Any())),
                ])
            .ToList();

        AssertSame(lines);
    }

    [Fact]
    public void Encode_EveryCharacterOfTheFirstPlanes_EqualsSentencePiece()
    {
        // Alone, within a word and doubled after a space; a line feed would end the line that SentencePiece reads.
        var lines = Enumerable.Range(1, 0x1FFFF).Where(c => c is not '\n' and not (>= 0xD800 and <= 0xDFFF))
            .Select(char.ConvertFromUtf32).SelectMany(c => (string[])[c, $"a{c}b {c}{c}"]).ToList();

        AssertSame(lines);
    }

    /// <summary>A model knows its ids; what they stand for is in the same words everywhere.</summary>
    [Fact]
    public void Decode_AnyIds_EqualsSentencePiece()
    {
        var directory = SharedData.Require("data/tokenizer");
        var tokenizer = T5Tokenizer.Load(directory);
        var random = new Random(7);
        var rows = Enumerable.Range(3, tokenizer.Model.Pieces.Count - 3).Select(id => (int[])[id])
            .Concat(
                Enumerable.Range(0, 5_000)
                .Select(_ => Enumerable.Range(0, random.Next(1, 30)).Select(_ => random.Next(2, tokenizer.Model.Pieces.Count)).ToArray()))
            .ToList();

        var reference = SentencePiece.Decode(Path.Combine(directory, T5Tokenizer.ModelFileName), rows);

        Assert.Equal(reference, rows.Select(r => tokenizer.Decode(r)));
    }

    private static void AssertSame(List<string> lines)
    {
        var directory = SharedData.Require("data/tokenizer");
        var tokenizer = T5Tokenizer.Load(directory);
        var reference = SentencePiece.Encode(Path.Combine(directory, T5Tokenizer.ModelFileName), lines);

        Assert.Equal(lines.Count, reference.Length);
        for (var i = 0; i < lines.Count; i++)
        {
            if (!tokenizer.Encode(lines[i], appendEos: false).AsSpan().SequenceEqual(reference[i]))
                Assert.Fail($"row {i}: {System.Text.Json.JsonSerializer.Serialize(lines[i])}");
        }
    }
}
