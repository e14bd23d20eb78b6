using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime.Tests.Fixtures;

namespace DistillOnnx.Runtime.Tests.Labels;

/// <summary>The way in which a GPU runs label graphs, on the processor's memory: the answers must be those of plain runs.</summary>
public sealed class BoundRunsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static RuntimeOptions Options(bool bound, int rows = 0) =>
        new() { Device = "cpu", Threads = 2, BindRuns = bound, MaxBatchRows = rows };

    [Fact]
    public void Predict_BoundToMemory_AnswersAsPlainRunsInFewShapes()
    {
        using var bundle = WideBundle.Create(TinyBundle.LabelTask, "fp32");
        using var plain = BundlePredictor.Open(bundle.Directory, Options(bound: false));
        using var bound = BundlePredictor.Open(bundle.Directory, Options(bound: true, rows: 8));
        var inputs = Inputs(90);
        AssertSame(plain.Predict(inputs, Token), bound.Predict(inputs, Token));
        foreach (var input in inputs.Take(20))
            AssertSame(plain.Predict([input], Token), bound.Predict([input], Token));

        var shapes = bound.Bundle.LabelModel().BoundShapes;
        Assert.InRange(shapes, 2, 12);
        AssertSame(plain.Predict(inputs, Token), bound.Predict(inputs, Token));
        Assert.Equal(shapes, bound.Bundle.LabelModel().BoundShapes);
        Assert.Empty(bound.Bundle.Notes);
    }

    [Fact]
    public void Predict_FromManyThreads_AnswersEachItsOwn()
    {
        using var bundle = WideBundle.Create(TinyBundle.LabelTask, "fp32");
        using var bound = BundlePredictor.Open(bundle.Directory, Options(bound: true));
        var inputs = Inputs(24);
        var expected = inputs.Select(i => bound.Predict([i], Token)[0]).ToArray();
        Parallel.For(0, 4 * inputs.Length, i =>
        {
            var answer = bound.Predict([inputs[i % inputs.Length]], CancellationToken.None)[0];
            Assert.Equal(expected[i % inputs.Length].Probabilities, answer.Probabilities);
        });
    }

    [Theory]
    [InlineData(true, "fp32", "its tries are inputs")]
    [InlineData(false, "int8", "would change the answers")]
    public void Predict_GraphThatCannotBeBound_RunsPlainAndSaysWhy(bool choices, string precision, string why)
    {
        using var bundle = choices ? TinyBundle.Create(TinyBundle.ChoiceTask) : WideBundle.Create(TinyBundle.LabelTask, precision);
        if (precision == "int8")
        {
            // As bundles were written whose activations have one scale for the whole run.
            var path = Path.Combine(bundle.Directory, BundleManifest.FileName);
            var manifest = JsonNode.Parse(File.ReadAllText(path))!;
            Assert.True(manifest["precisions"]!["int8"]!.AsObject().Remove("rows_independent"));
            File.WriteAllText(path, manifest.ToJsonString());
        }

        using var plain = BundlePredictor.Open(bundle.Directory, Options(bound: false));
        using var bound = BundlePredictor.Open(bundle.Directory, Options(bound: true));
        var inputs = Inputs(6, choices ? ["yes", "no"] : null);
        foreach (var input in inputs) AssertSame(plain.Predict([input], Token), bound.Predict([input], Token));

        Assert.Contains(why, Assert.Single(bound.Bundle.Notes), StringComparison.Ordinal);
        Assert.Empty(plain.Bundle.Notes);
    }

    [Fact]
    public void Predict_ManyInputsOfWhichTwoAreEmpty_NamesTheFault()
    {
        using var bundle = WideBundle.Create(TinyBundle.LabelTask, "fp32");
        using var plain = BundlePredictor.Open(bundle.Directory, Options(bound: false));
        var inputs = Inputs(300);
        Assert.Equal(
            inputs.Select(i => plain.Encode(i).Tokens.Length),
            plain.Predict(inputs, Token).Select(p => p.InputTokens));
        inputs[120] = inputs[250] = new PredictorInput(" ");
        var fault = Assert.Throws<InputException>(() => plain.Predict(inputs, Token));
        Assert.Contains("expected a text", fault.Message, StringComparison.Ordinal);
    }

    internal static PredictorInput[] Inputs(int count, IReadOnlyList<string>? choices = null) =>
    [
        .. Enumerable.Range(0, count).Select(
            i => new PredictorInput(string.Join(' ', Enumerable.Range(0, 1 + (i * 7 % 40)).Select(w => $"w{(w * i) % 11}")), choices)),
    ];

    internal static void AssertSame(
        IReadOnlyList<LabelPrediction> expected, IReadOnlyList<LabelPrediction> found, double tolerance = 1e-5)
    {
        Assert.Equal(expected.Count, found.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            for (var label = 0; label < expected[i].Probabilities!.Count; label++)
                Assert.Equal(expected[i].Probabilities![label], found[i].Probabilities![label], tolerance);
        }
    }
}
