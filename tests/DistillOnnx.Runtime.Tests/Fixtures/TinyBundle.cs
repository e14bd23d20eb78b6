using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Export;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Runtime.Tests.Fixtures;

/// <summary>A bundle of a tiny random student, with the checkpoint that it was made from; both deleted on disposal.</summary>
internal sealed class TinyBundle : IDisposable
{
    /// <summary>A closed set of one branching at the root, one below it, and one label that ends where another goes on.</summary>
    public static readonly string[] Labels = ["yes", "yesno", "no", "maybe"];

    private readonly string _root;
    private readonly Checkpoint _checkpoint;

    private TinyBundle(string root, TaskSpec task)
    {
        _root = root;
        Task = task;
        _checkpoint = Checkpoint.Open(CheckpointDirectory);
        Encoder = new InputEncoder(T5Tokenizer.Load(CheckpointDirectory), task);
        Reference = new ReferenceT5(_checkpoint.Config, _checkpoint.Tensors);
    }

    public static TaskSpec LabelTask { get; } = new() { Name = "tiny", Kind = TaskKind.Labels, Labels = Labels, MaxInputTokens = 48 };

    public static TaskSpec ChoiceTask { get; } = new() { Name = "tiny", Kind = TaskKind.Choices };

    public static TaskSpec TextTask { get; } = new() { Name = "tiny", Kind = TaskKind.Text, MaxLabelTokens = 7 };

    public string Directory => Path.Combine(_root, "bundle");

    public string CheckpointDirectory => Path.Combine(_root, "checkpoint");

    public TaskSpec Task { get; }

    public InputEncoder Encoder { get; }

    /// <summary>The same weights in loops over doubles.</summary>
    public ReferenceT5 Reference { get; }

    public static TinyBundle Create(
        TaskSpec task, GraphSet graphs = GraphSet.All, T5Config? config = null, bool portable = false, params string[] precisions)
    {
        var root = System.IO.Directory.CreateTempSubdirectory("distillonnx-bundle-").FullName;
        var checkpoint = Path.Combine(root, "checkpoint");
        RandomCheckpoint.Write(checkpoint, config ?? RandomCheckpoint.Uneven, task, seed: 7, TinyTokenizer.SpieceModel);
        BundleExporter.Export(
            new BundleExportOptions
            {
                Model = checkpoint,
                Out = Path.Combine(root, "bundle"),
                Graphs = graphs,
                Portable = portable,
                Precision = precisions.Length == 0 ? ["fp32"] : precisions,
            },
            Reporter.None);
        return new TinyBundle(root, task);
    }

    /// <summary>Opens the bundle on the processor with one thread.</summary>
    public BundlePredictor Open(
        GraphChoice graph = GraphChoice.Auto, string precision = "auto", int maxBatchTokens = 4096, double? abstainBelow = null) =>
        BundlePredictor.Open(Directory, new RuntimeOptions
        {
            Device = "cpu",
            Threads = 1,
            Graph = graph,
            Precision = precision,
            MaxBatchTokens = maxBatchTokens,
            AbstainBelow = abstainBelow,
        });

    /// <summary>Log-probabilities of a closed set by definition.</summary>
    public double[] Expected(string text, IReadOnlyList<string>? choices = null) =>
        Reference.LabelLogProbabilities(
            Encoder.EncodeInput(text, out _), [.. (choices ?? Task.Labels!).Select(l => (IReadOnlyList<int>)Encoder.EncodeLabel(l))]);

    public void Dispose()
    {
        _checkpoint.Dispose();
        System.IO.Directory.Delete(_root, recursive: true);
    }
}
