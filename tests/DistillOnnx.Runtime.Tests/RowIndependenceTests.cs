using System.Text.Json.Nodes;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Export;
using DistillOnnx.Runtime.Tests.Fixtures;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Runtime.Tests;

/// <summary>What a row is answered does not depend on the rows that share its run, in any precision.</summary>
public sealed class RowIndependenceTests
{
    private static readonly string[] Texts =
    [
        "yes", "the cat is not it", "no no no no no no no", "maybe the cat is being a cat and the cat is not", "a", "it may be",
        "predict the yes", "is it yes and is it no and is it not", "be be be", "the the the the the the the the the the the",
    ];

    /// <summary>
    /// Padding changes the order in which ONNX Runtime's softmax sums, by which a number in eight bits may be rounded the other way; the
    /// kernels do not see padding.
    /// </summary>
    [Theory]
    [InlineData("fp32", 1e-5, false)]
    [InlineData("fp16", 1e-3, false)]
    [InlineData("q4", 1e-5, false)]
    [InlineData("int8", 1e-5, false)]
    [InlineData("int8", 2e-3, true)]
    public void Predict_RowAloneAndInAnyBatch_IsAnsweredAlike(string precision, double tolerance, bool portable)
    {
        foreach (var (task, gated) in new[] { (TinyBundle.LabelTask, false), (TinyBundle.LabelTask, true), (TinyBundle.ChoiceTask, false) })
        {
            using var bundle = Create(task, gated, portable, precision);
            using var predictor = BundlePredictor.Open(bundle.Directory, new RuntimeOptions { Device = "cpu", Threads = 2 });
            PredictorInput[] inputs =
                [.. Texts.Select(t => new PredictorInput(t, task.Kind == TaskKind.Choices ? ["yes", "no", "maybe"] : null))];
            var together = predictor.Predict(inputs, TestContext.Current.CancellationToken);

            Assert.True(predictor.MaxRows > 1);
            Assert.True(together.DistinctBy(p => p.Probability).Count() > 1);
            for (var i = 0; i < inputs.Length; i++)
            {
                var alone = predictor.Predict([inputs[i]], TestContext.Current.CancellationToken)[0];
                Assert.Equal(alone.Label, together[i].Label);
                for (var label = 0; label < alone.Probabilities!.Count; label++)
                    Assert.Equal(alone.Probabilities[label], together[i].Probabilities![label], tolerance);
            }
        }
    }

    [Fact]
    public void Predict_Int8RowsOfOneLength_AreAnsweredBitByBitAlike()
    {
        using var bundle = Create(TinyBundle.LabelTask, gated: false, portable: false, "int8");
        using var predictor = BundlePredictor.Open(bundle.Directory, new RuntimeOptions { Device = "cpu", Threads = 2 });
        PredictorInput[] inputs = [new("the cat is it"), new("the dog is it"), new("the cow is be"), new("the hen is no")];
        Assert.Single(inputs.Select(i => predictor.Encode(i).Tokens.Length).Distinct());
        var together = predictor.Predict(inputs, TestContext.Current.CancellationToken);
        for (var i = 0; i < inputs.Length; i++)
        {
            // Two rows at least: a single one takes other kernels of full precision.
            var other = predictor.Predict([inputs[i], inputs[(i + 1) % inputs.Length]], TestContext.Current.CancellationToken)[0];
            Assert.Equal(other.RawLogProbabilities, together[i].RawLogProbabilities);
        }
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 64)]
    public void Open_Int8BundleThatSaysNothingOfItsRows_RunsThemOneByOne(bool mix, int rows)
    {
        using var bundle = Create(TinyBundle.LabelTask, gated: false, portable: false, "int8");
        var path = Path.Combine(bundle.Directory, BundleManifest.FileName);
        var manifest = JsonNode.Parse(File.ReadAllText(path))!;
        Assert.True(manifest["precisions"]!["int8"]!.AsObject().Remove("rows_independent"));
        File.WriteAllText(path, manifest.ToJsonString());

        using var predictor = BundlePredictor.Open(bundle.Directory, new RuntimeOptions { Device = "cpu", Threads = 1, MixInt8Rows = mix });

        Assert.Equal(rows, predictor.MaxRows);
    }

    private static TinyBundle Create(TaskSpec task, bool gated, bool portable, string precision) => TinyBundle.Create(
        task,
        GraphSet.Label,
        gated ? RandomCheckpoint.Uneven with { IsGated = true, Activation = T5Activation.GeluNew } : null,
        portable,
        precision);
}
