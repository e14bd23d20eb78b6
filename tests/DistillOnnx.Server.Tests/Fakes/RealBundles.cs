using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Export;
using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Golden;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using Input = DistillOnnx.Core.Prediction.PredictorInput;
using TaskKind = DistillOnnx.Core.Tasks.TaskKind;

namespace DistillOnnx.Server.Tests.Fakes;

/// <summary>Two bundles of tiny random students that answer the same questions differently, and what each answers in process.</summary>
internal sealed class RealBundles : IDisposable
{
    private static readonly TaskSpec Task = new()
    {
        Name = "nli",
        Kind = TaskKind.Labels,
        Labels = ["yes", "no", "maybe"],
        MaxInputTokens = 48,
    };

    private readonly TemporaryDirectory _root = new();
    private readonly BundlePredictor[] _predictors;

    public RealBundles()
    {
        for (var i = 0; i < 2; i++)
        {
            var checkpoint = Checkpoint(i);
            RandomCheckpoint.Write(checkpoint, RandomCheckpoint.Uneven, Task, seed: 11 + i, TinyTokenizer.SpieceModel);
            BundleExporter.Export(
                new BundleExportOptions { Model = checkpoint, Out = Directory(i), Graphs = GraphSet.Label }, Reporter.None);
        }

        _predictors =
            [.. Enumerable.Range(0, 2).Select(i => BundlePredictor.Open(Directory(i), new RuntimeOptions { Device = "cpu", Threads = 1 }))];
        for (var i = 0; i < 2; i++)
        {
            Input[] inputs = [new("the golden row"), new("it is not")];
            var rows = _predictors[i].Predict(inputs)
                .Select((a, row) => new GoldenRow { Input = inputs[row].Text, Label = a.Label, Probabilities = a.Probabilities });
            GoldenFile.Write(Path.Combine(Directory(i), GoldenFile.FileName), rows);
        }
    }

    /// <summary>Where a bundle is.</summary>
    public string Directory(int which) => _root[$"bundle{which}"];

    /// <summary>The checkpoint that a bundle was made from.</summary>
    public string Checkpoint(int which) => _root[$"checkpoint{which}"];

    /// <summary>What a bundle answers in process.</summary>
    public LabelPrediction Answer(int which, string text) => _predictors[which].Predict([new Input(text)])[0];

    /// <summary>Puts a copy into a folder in one step, as a careful deployer does.</summary>
    /// <param name="which">Which bundle.</param>
    /// <param name="directory">Where to.</param>
    /// <param name="spoil">Whether a byte of the graph is changed on the way.</param>
    public void Drop(int which, string directory, bool spoil = false)
    {
        var parent = Path.GetDirectoryName(directory)!;
        var beside = Path.Combine(parent, "." + Path.GetFileName(directory));
        foreach (var file in System.IO.Directory.EnumerateFiles(Directory(which), "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(beside, Path.GetRelativePath(Directory(which), file));
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        if (spoil)
        {
            var graph = Path.Combine(beside, BundleFiles.Graph(BundleFiles.LabelModel, BundleManifest.FullPrecision));
            var bytes = File.ReadAllBytes(graph);
            bytes[bytes.Length / 2] ^= 1;
            File.WriteAllBytes(graph, bytes);
        }

        System.IO.Directory.Move(beside, directory);
    }

    public void Dispose()
    {
        foreach (var predictor in _predictors) predictor.Dispose();
        _root.Dispose();
    }
}
