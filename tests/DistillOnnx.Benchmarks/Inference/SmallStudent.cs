using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Export;
using DistillOnnx.Runtime;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Benchmarks.Inference;

/// <summary>A bundle of T5-small's shape with random weights and the three labels of natural-language inference.</summary>
internal sealed class SmallStudent : IDisposable
{
    private readonly string _root = System.IO.Directory.CreateTempSubdirectory("distillonnx-bench-").FullName;

    private SmallStudent(BundleManifest manifest) => Manifest = manifest;

    public BundleManifest Manifest { get; private set; }

    public string Directory => Path.Combine(_root, "bundle");

    /// <summary>The same student in ONNX's own operators alone: the graphs that other exporters write.</summary>
    public string PortableDirectory => Path.Combine(_root, "portable");

    public static T5Config Config { get; } = T5Presets.Load("t5-small");

    /// <summary>Of the same vocabulary, and small otherwise: to see that a benchmark runs.</summary>
    public static T5Config Shallow { get; } =
        Config with { DModel = 64, DKv = 16, DFf = 128, NumHeads = 4, NumLayers = 2, NumDecoderLayers = 2 };

    /// <summary>Writes the checkpoint and exports it.</summary>
    /// <param name="precisions">Beside fp32.</param>
    public static SmallStudent Create(params string[] precisions) => Create(Config, precisions);

    /// <summary>Writes a checkpoint of a shape and exports it.</summary>
    /// <param name="config">The shape.</param>
    /// <param name="precisions">Beside fp32.</param>
    public static SmallStudent Create(T5Config config, params string[] precisions)
    {
        var task = new TaskSpec { Name = "nli", Kind = TaskKind.Labels, Labels = ["entailment", "neutral", "contradiction"] };
        var student = new SmallStudent(new BundleManifest { Task = task, PrecisionDetails = new Dictionary<string, BundlePrecision>() });
        try
        {
            var checkpoint = Path.Combine(student._root, "checkpoint");
            BenchmarkOptions.Say($"writing a random checkpoint of {config.ParameterCount / 1e6:0.0} M parameters");
            RandomCheckpoint.Write(checkpoint, config, task, seed: 1, TinyTokenizer.NliSized());
            BenchmarkOptions.Say("exporting it");
            student.Manifest = BundleExporter.Export(
                new BundleExportOptions { Model = checkpoint, Out = student.Directory, Precision = ["fp32", .. precisions] },
                Reporter.None);
            BundleExporter.Export(
                new BundleExportOptions { Model = checkpoint, Out = student.PortableDirectory, Portable = true }, Reporter.None);
            System.IO.Directory.Delete(checkpoint, recursive: true);
            return student;
        }
        catch
        {
            student.Dispose();
            throw;
        }
    }

    /// <summary>Opens the bundle on the processor.</summary>
    public Bundle Open(int threads, string precision = BundleManifest.FullPrecision, bool portable = false, bool kernels = true) =>
        Bundle.Open(
            portable ? PortableDirectory : Directory,
            new RuntimeOptions { Device = "cpu", Threads = threads, Precision = precision, Kernels = kernels });

    /// <summary>Opens the bundle on the processor to label inputs.</summary>
    /// <param name="threads">Threads.</param>
    /// <param name="precision">Of which graphs.</param>
    /// <param name="maxBatchTokens">Most tokens of a run, whatever its number of rows; 0: what the predictor chooses.</param>
    public BundlePredictor OpenPredictor(int threads, string precision, int maxBatchTokens = 0) =>
        BundlePredictor.Open(
            Directory,
            new RuntimeOptions
            {
                Device = "cpu",
                Threads = threads,
                Precision = precision,
                MaxBatchTokens = maxBatchTokens,
                MaxBatchRows = maxBatchTokens,
            });

    /// <summary>Bytes of some graphs on disk.</summary>
    public long Bytes(string precision, params string[] graphs) => graphs
        .Select(g => Path.Combine(Directory, BundleFiles.Graph(g, precision)))
        .Sum(path => new FileInfo(path).Length + (File.Exists(path + "_data") ? new FileInfo(path + "_data").Length : 0));

    public void Dispose() => System.IO.Directory.Delete(_root, recursive: true);
}
