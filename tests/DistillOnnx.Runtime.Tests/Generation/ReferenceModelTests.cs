using System.Text.Json.Nodes;
using DistillOnnx.Export;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.Runtime.Sessions;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Runtime.Tests.Generation;

/// <summary>The exported graphs against what the reference implementation computed with the same checkpoints.</summary>
public sealed class ReferenceModelTests : IDisposable
{
    private readonly string _bundles = Directory.CreateTempSubdirectory("reference").FullName;

    public static TheoryData<string> Models => ["t5-v1.0-tiny", "t5-v1.1-tiny", "t5-v1.0-tiny-fit"];

    public void Dispose() => Directory.Delete(_bundles, recursive: true);

    public static TheoryData<string, bool> ModelsBothWays =>
        [.. Models.SelectMany(m => new (string, bool)[] { (m.Data, false), (m.Data, true) })];

    [Theory]
    [MemberData(nameof(ModelsBothWays))]
    public void Generate_ReferenceModel_GivesTheReferenceIds(string model, bool chosenInGraph)
    {
        var (bundle, reference) = Export(model, chosenInGraph);
        using var opened = bundle;
        var inputs = Rows(reference);
        foreach (var (name, beams) in (ReadOnlySpan<(string, int)>)[("greedy", 1), ("beam3", 3)])
        {
            var options = new GenerationOptions { Beams = beams, MaxNewTokens = (int)reference[name]!["max_length"]! - 1 };
            var found = opened.TextGenerator().Generate(inputs, options, TestContext.Current.CancellationToken);
            var expected = reference[name]!["ids"]!.AsArray();
            for (var row = 0; row < inputs.Count; row++)
                Assert.Equal(Trim(expected[row]!.AsArray().Select(id => (int)id!).Skip(1)), found[row]);
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Start_ReferenceModel_GivesTheReferenceLogits(string model)
    {
        var (bundle, reference) = Export(model);
        using var opened = bundle;
        var generator = opened.TextGenerator();
        var decoded = reference["decoder_input_ids"]!.AsArray().Select(r => r!.AsArray().Select(id => (int)id!).ToArray()).ToArray();
        using var run = new GraphRun(CancellationToken.None);
        using var batch = new TokenBatch(Rows(reference), opened.Config.PadTokenId);
        using var tokens = new TokenBatch(decoded, opened.Config.PadTokenId);
        using var states = generator.Encoder.Encode(run, batch.InputIds, batch.AttentionMask);
        using var logits = generator.Decoder.Start(run, tokens.InputIds, states, batch.AttentionMask, state: null);
        var expected = reference["logits"]!.AsArray().SelectMany(r => r!.AsArray()).SelectMany(t => t!.AsArray()).Select(v => (float)v!)
            .ToArray();
        var found = Floats.Of(logits);
        Assert.Equal(expected.Length, found.Length);
        var magnitude = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - found[i]) <= 1e-4 * magnitude, $"logit {i}: {expected[i]} and {found[i]}");
    }

    private static List<int[]> Rows(JsonObject reference)
    {
        var mask = reference["attention_mask"]!.AsArray();
        return [.. reference["input_ids"]!.AsArray().Select((row, r) =>
            row!.AsArray().Where((_, i) => (int)mask[r]![i]! == 1).Select(id => (int)id!).ToArray())];
    }

    /// <summary>Without what the reference pads finished rows with.</summary>
    private static int[] Trim(IEnumerable<int> ids)
    {
        var kept = new List<int>();
        foreach (var id in ids)
        {
            kept.Add(id);
            if (id == 1) break;
        }

        return [.. kept];
    }

    private (Bundle Bundle, JsonObject Reference) Export(string model, bool chosenInGraph = false)
    {
        var checkpoint = SharedData.Require($"reference/{model}");
        var directory = Path.Combine(_bundles, model);
        BundleExporter.Export(new BundleExportOptions { Model = checkpoint, Out = directory }, Reporter.None);
        var reference = JsonNode.Parse(File.ReadAllText(Path.Combine(checkpoint, "reference.json")))!.AsObject();
        return (Bundle.Open(directory, new RuntimeOptions { Device = "cpu", Threads = 1, BindRuns = chosenInGraph }), reference);
    }
}
