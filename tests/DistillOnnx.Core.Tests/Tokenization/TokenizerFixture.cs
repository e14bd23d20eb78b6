using System.Text.Json;
using DistillOnnx.Core.Tokenization;

namespace DistillOnnx.Core.Tests.Tokenization;

/// <summary>The models in <c>Fixtures</c> and what SentencePiece gives with them.</summary>
internal static class TokenizerFixture
{
    public static string DirectoryOf(string model) => Path.Combine(AppContext.BaseDirectory, "Tokenization", "Fixtures", model);

    public static byte[] Bytes(string model) => File.ReadAllBytes(Path.Combine(DirectoryOf(model), T5Tokenizer.ModelFileName));

    public static T5Tokenizer Load(string model) => T5Tokenizer.Load(DirectoryOf(model));

    public static IEnumerable<GoldenRow> Golden(string model)
    {
        using var rows = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(DirectoryOf(model), "golden.json")));
        foreach (var row in rows.RootElement.EnumerateArray())
        {
            yield return new GoldenRow(
                row.GetProperty("text").GetString()!,
                [.. row.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())],
                row.GetProperty("decoded").GetString()!);
        }
    }
}
