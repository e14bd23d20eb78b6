using System.Globalization;
using System.Text.Json.Nodes;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Tokenization;

/// <summary>Directories whose tokenizer has tokens added to the <c>nfkc</c> model, whose ids end with 429.</summary>
internal static class AddedTokenFixture
{
    public const int First = 430;

    public static JsonNode Golden { get; } = JsonNode.Parse(
        File.ReadAllText(Path.Combine(TokenizerFixture.DirectoryOf("added"), "golden.json")))!;

    /// <summary>Writes <c>spiece.model</c> and a <c>tokenizer_config.json</c> that names the golden tokens.</summary>
    public static void WriteGolden(TemporaryDirectory directory, bool legacy)
    {
        var decoder = new JsonObject();
        foreach (var (token, i) in Golden["tokens"]!.AsArray().Select((t, i) => (t!, i))) decoder[Id(First + i)] = token.DeepClone();
        Write(directory, new JsonObject { ["legacy"] = legacy, ["extra_ids"] = 100, ["added_tokens_decoder"] = decoder });
    }

    /// <summary>Writes <c>spiece.model</c> and a configuration.</summary>
    public static void Write(TemporaryDirectory directory, JsonObject? config)
    {
        File.WriteAllBytes(directory[T5Tokenizer.ModelFileName], TokenizerFixture.Bytes("nfkc"));
        if (config is not null) File.WriteAllText(directory["tokenizer_config.json"], config.ToJsonString());
    }

    /// <summary>Writes a whole tokenizer with two added tokens, as a fine-tune has it.</summary>
    public static void WriteFineTune(TemporaryDirectory directory)
    {
        Write(directory, new JsonObject
        {
            ["added_tokens_decoder"] = new JsonObject
            {
                [Id(First)] = new JsonObject { ["content"] = "<ORG>", ["special"] = true },
                [Id(First + 1)] = new JsonObject { ["content"] = "{", ["special"] = false },
            },
        });
        T5Tokenizer.Load(directory.Path).Save(directory.Path);
    }

    private static string Id(int id) => id.ToString(CultureInfo.InvariantCulture);
}
