using System.Text.Json.Nodes;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Interop;
using DistillOnnx.Runtime.Golden;
using DistillOnnx.Runtime.Tests.Fixtures;

namespace DistillOnnx.Runtime.Tests.Interop;

/// <summary>The label graph in a real browser under onnxruntime-web: the same probabilities.</summary>
public sealed class BrowserTests
{
    [Theory, InlineData(false, "fp32"), InlineData(true, "fp32"), InlineData(false, "int8")]
    public async Task Run_LabelGraphInABrowser_GivesTheSameProbabilities(bool portable, string precision)
    {
        Assert.SkipWhen(BrowserPage.Missing is not null, BrowserPage.Missing ?? "");
        using var bundle = TinyBundle.Create(
            TinyBundle.LabelTask, Export.GraphSet.Label, portable: portable, precisions: [.. new[] { "fp32", precision }.Distinct()]);
        await Compare(bundle.Directory, ["is it the cat?", "no"], precision);
    }

    [Fact]
    public async Task Run_QuickstartBundleInABrowser_GivesTheSameProbabilities()
    {
        Assert.SkipWhen(BrowserPage.Missing is not null, BrowserPage.Missing ?? "");
        Assert.SkipWhen(InteropPaths.QuickstartBundle is null, "models/quickstart/bundle is not there: run scripts/quickstart");
        await Compare(InteropPaths.QuickstartBundle!, [.. GoldenFile.Read(InteropPaths.QuickstartBundle!).Take(4).Select(r => r.Input)]);
    }

    private static async Task Compare(string directory, string[] texts, string precision = "fp32")
    {
        using var predictor = BundlePredictor.Open(directory, new RuntimeOptions { Device = "cpu", Threads = 1, Precision = precision });
        var rows = texts.Select(t => predictor.Bundle.Encoder.EncodeInput(t, out _)).ToArray();
        var length = rows.Max(r => r.Length);
        JsonArray Padded(Func<int[], int, int> at) =>
            [.. rows.Select(r => (JsonNode?)new JsonArray([.. Enumerable.Range(0, length).Select(i => (JsonNode?)at(r, i))]))];
        var request = new JsonObject
        {
            ["graph"] = Core.Bundles.BundleFiles.Graph(Core.Bundles.BundleFiles.LabelModel, precision).Split('/')[^1],
            ["labels"] = new JsonArray([.. predictor.Task.Labels!.Select(l => (JsonNode?)l)]),
            ["input_ids"] = Padded((r, i) => i < r.Length ? r[i] : 0),
            ["attention_mask"] = Padded((r, i) => i < r.Length ? 1 : 0),
        };

        var reply = await BrowserPage.RunAsync(directory, request, TimeSpan.FromSeconds(60));

        Assert.Null((string?)reply["error"]);
        var answers = predictor.Predict([.. texts.Select(t => new PredictorInput(t))], TestContext.Current.CancellationToken);
        for (var row = 0; row < texts.Length; row++)
        {
            var found = reply["rows"]![row]!.AsArray().Select(v => (double)v!).ToArray();
            Assert.Equal(answers[row].RawLogProbabilities!.Count, found.Length);
            for (var label = 0; label < found.Length; label++) Assert.Equal(answers[row].RawLogProbabilities![label], found[label], 1e-3);
        }
    }
}
