using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Export;
using DistillOnnx.Interop;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.Runtime.Golden;
using DistillOnnx.Runtime.Tests.Fixtures;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Runtime.Tests.Interop;

/// <summary>The bundle, unmodified, under transformers.js: local files only, the same tokens and the same text.</summary>
public sealed class TransformersJsTests
{
    [Fact]
    public void Generate_BundleUnmodified_GivesTheSameIdsAndText()
    {
        using var bundle = TinyBundle.Create(TinyBundle.TextTask);
        using var node = Start();
        node.Load(bundle.Directory);
        string[] texts = ["is it the cat?", "no", "the being is not a being; may be it is: 12 + 3 = 15!"];

        using var ours = Bundle.Open(bundle.Directory, new RuntimeOptions { Device = "cpu", Threads = 1 });
        foreach (var text in texts)
        {
            var ids = bundle.Encoder.EncodeInput(text, out _);
            var expected = ours.TextGenerator()
                .Generate([ids], new GenerationOptions { MaxNewTokens = 9 }, TestContext.Current.CancellationToken)[0];
            var reply = node.Generate([text], 9, bundle.Task.PredictPrefix);
            Assert.Equal(expected, Ids(reply["ids"]![0]!));
            Assert.Equal(ours.Tokenizer.Decode(expected).Trim(), ((string)reply["texts"]![0]!).Trim());
        }
    }

    [Fact]
    public void Generate_QuickstartBundleUnmodified_GivesTheSameText()
    {
        var directory = InteropPaths.QuickstartBundle;
        Assert.SkipWhen(directory is null, "models/quickstart/bundle is not there: run scripts/quickstart");
        using var node = Start();
        node.Load(directory!);
        using var ours = Bundle.Open(directory!, new RuntimeOptions { Device = "cpu", Threads = 1 });
        foreach (var row in GoldenFile.Read(directory!))
        {
            var expected = ours.TextGenerator()
                .Generate(
                [ours.Encoder.EncodeInput(row.Input, out _)], new GenerationOptions { MaxNewTokens = 12 },
                TestContext.Current.CancellationToken)[0];
            var reply = node.Generate([row.Input], 12, ours.Task.PredictPrefix);
            Assert.Equal(expected, Ids(reply["ids"]![0]!));
            Assert.Equal(ours.Tokenizer.Decode(expected).Trim(), ((string)reply["texts"]![0]!).Trim());
        }
    }

    [Theory]
    [InlineData("t5-v1.0-tiny")]
    [InlineData("t5-v1.1-tiny")]
    [InlineData("t5-v1.0-tiny-fit")]
    public void Generate_ReferenceModel_GivesTheReferenceIds(string model)
    {
        var checkpoint = SharedData.Require($"reference/{model}");
        using var node = Start();
        var directory = Path.Combine(Directory.CreateTempSubdirectory("transformersjs").FullName, model);
        BundleExporter.Export(new BundleExportOptions { Model = checkpoint, Out = directory }, Reporter.None);
        node.Load(directory);
        var reference = JsonNode.Parse(File.ReadAllText(Path.Combine(checkpoint, "reference.json")))!;
        var mask = reference["attention_mask"]!.AsArray();
        for (var row = 0; row < mask.Count; row++)
        {
            int[] ids = [.. Ids(reference["input_ids"]![row]!).Zip(Ids(mask[row]!)).Where(p => p.Second == 1).Select(p => p.First)];
            var reply = node.Generate([ids], (int)reference["greedy"]!["max_length"]! - 1);
            int[] expected = Ids(reference["greedy"]!["ids"]![row]!);
            Assert.Equal(UntilEnd(expected), UntilEnd([0, .. Ids(reply["ids"]![0]!)]));
        }

        Directory.Delete(Path.GetDirectoryName(directory)!, recursive: true);
    }

    [Fact]
    public void Tokenize_OurTokenizerJsonOnRealText_GivesOurIds()
    {
        var spiece = SharedData.Require("data/tokenizer");
        var rows = File.ReadLines(SharedData.Require("data/dss/esnli/esnli_test.json")).Take(2_000)
            .Concat(File.ReadLines(SharedData.Require("data/dss/cqa/cqa_test.json")).Take(1_000));
        using var node = Start();
        var directory = Directory.CreateTempSubdirectory("transformersjs").FullName;
        var tokenizer = T5Tokenizer.Load(spiece);
        tokenizer.Save(directory);
        node.LoadTokenizer(directory);

        foreach (var texts in rows.SelectMany(Texts).Distinct().Chunk(500))
        {
            var ids = node.Tokenize(texts);
            for (var i = 0; i < texts.Length; i++) Assert.True(tokenizer.Encode(texts[i]).AsSpan().SequenceEqual(Ids(ids[i]!)), texts[i]);
        }

        Directory.Delete(directory, recursive: true);

        // Names of rows are no text: in runs of digits pieces of equal score tie, and who wins is not the format's to say.
        static IEnumerable<string> Texts(string row) =>
            JsonNode.Parse(row)!.AsObject().Where(field => field.Key != "id").Select(field => field.Value).OfType<JsonValue>()
                .Where(v => v.GetValueKind() == JsonValueKind.String).Select(v => (string)v!);
    }

    /// <summary>
    /// Tokens added to a tokenizer, as the files that we write give them to transformers.js. It has no single-word rule, so none is asked
    /// for.
    /// </summary>
    [Fact]
    public void Tokenize_AddedTokens_GivesOurIds()
    {
        using var node = Start();
        using var source = new TemporaryDirectory();
        using var saved = new TemporaryDirectory();
        T5Tokenizer.FromModel(TinyTokenizer.SpieceModel).Save(source.Path);
        var first = T5Tokenizer.Load(source.Path).VocabularySize;
        File.WriteAllText(
            source["added_tokens.json"], $$"""{"<ORG>": {{first}}, "[[": {{first + 1}}, "]]": {{first + 2}}, "no way": {{first + 3}}}""");
        File.WriteAllText(
            source["special_tokens_map.json"],
            """
            {"additional_special_tokens": [
              {"content": "<ORG>", "lstrip": false, "rstrip": false, "single_word": false, "normalized": false}]}
            """);
        var tokenizer = T5Tokenizer.Load(source.Path);
        tokenizer.Save(saved.Path);
        node.LoadTokenizer(saved.Path);
        string[] texts = ["<ORG> is [[ a cat ]] no way", "[[<ORG>]]", "it is<ORG>it", "no  way no way", " <ORG>  the being ", "[["];

        var ids = node.Tokenize(texts);

        for (var i = 0; i < texts.Length; i++) Assert.Equal(tokenizer.Encode(texts[i]), Ids(ids[i]!));
        Assert.Contains(first, tokenizer.Encode(texts[0]));
    }

    private static NodeStudent Start()
    {
        var node = NodeStudent.TryStart(out var missing);
        Assert.SkipWhen(node is null, missing);
        return node!;
    }

    private static int[] Ids(JsonNode row) => [.. row.AsArray().Select(id => (int)id!)];

    private static int[] UntilEnd(int[] ids) => Array.IndexOf(ids, 1) is >= 0 and var end ? ids[..(end + 1)] : ids;
}
