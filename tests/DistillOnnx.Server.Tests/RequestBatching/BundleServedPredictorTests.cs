using DistillOnnx.Core.Tasks;
using DistillOnnx.Export;
using DistillOnnx.Hosting.Batching;
using DistillOnnx.Runtime;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using Input = DistillOnnx.Core.Prediction.PredictorInput;
using TaskKind = DistillOnnx.Core.Tasks.TaskKind;

namespace DistillOnnx.Server.Tests.RequestBatching;

public sealed class BundleServedPredictorTests
{
    [Fact]
    public void Encode_ChoicesThatShareABeginning_CountsItAsTokensOfTheRow()
    {
        using var root = new TemporaryDirectory();
        var task = new TaskSpec { Name = "cqa", Kind = TaskKind.Choices };
        RandomCheckpoint.Write(root["checkpoint"], RandomCheckpoint.Uneven, task, seed: 5, TinyTokenizer.SpieceModel);
        BundleExporter.Export(
            new BundleExportOptions { Model = root["checkpoint"], Out = root["bundle"], Graphs = GraphSet.Label }, Reporter.None);
        using var predictor = new BundleServedPredictor(
            BundlePredictor.Open(root["bundle"], new RuntimeOptions { Device = "cpu", Threads = 1 }));

        var small = predictor.Encode(new Input("a man sleeps", ["yes", "no"]));
        var large = predictor.Encode(new Input("a man sleeps", [new string('x', 500) + "a", new string('x', 500) + "b"]));

        Assert.Equal(small.TextTokens, large.TextTokens);
        Assert.InRange(small.Tokens - small.TextTokens, 1, 2);
        Assert.InRange(large.Tokens - large.TextTokens, 500, 503);
    }
}
