using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Benchmarks.Inference;
using DistillOnnx.Core.Bundles;

namespace DistillOnnx.Benchmarks.Profile;

/// <summary>Where an encoder's time goes, operator by operator: in full precision, in ONNX's own operators, and in eight bits.</summary>
internal sealed class ProfileBenchmark : IBenchmark
{
    /// <summary>Operators with a smaller share are summed up.</summary>
    private const double LeastShare = 0.01;

    public string Name => "profile";

    public Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken) =>
        Task.Run(() => Run(options, cancellationToken), cancellationToken);

    private BenchmarkResult Run(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        using var student = SmallStudent.Create("int8");
        var encoder = BundleFiles.Graph(BundleFiles.Encoder, BundleManifest.FullPrecision);
        var label = Path.Combine(student.Directory, BundleFiles.Graph(BundleFiles.LabelModel, "int8"));
        (string Name, string Path, bool Kernels)[] graphs =
        [
            ("fp32", Path.Combine(student.Directory, encoder), false),
            ("portable", Path.Combine(student.PortableDirectory, encoder), false),
            ("int8", Path.Combine(student.Directory, BundleFiles.Graph(BundleFiles.Encoder, "int8")), false),
            ("fp32 label", Path.Combine(student.Directory, BundleFiles.Graph(BundleFiles.LabelModel, BundleManifest.FullPrecision)), true),
            ("int8 label", label, true),
            ("int8 label, operators", label, false),
        ];
        foreach (var (rows, length) in (ReadOnlySpan<(int, int)>)[(1, 32), (1, 128), (16, 32), (16, 128)])
        {
            BenchmarkOptions.Say(Invariant($"batch {rows}, length {length}"));
            var inputs = InferenceBenchmark.Inputs(rows, length);
            var runs = options.Quick ? 3 : rows * length > 1000 ? 7 : 21;
            foreach (var (name, path, kernels) in graphs)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Add(result, name, rows, length, OperatorTimes.Measure(path, kernels, inputs, options.Threads, runs));
            }
        }

        result.Note(Invariant(
            $"T5-small's shape, random weights, {options.Threads} threads. From ONNX Runtime's profile, which itself costs some ") +
            "microseconds a node: a graph of many small nodes looks slower here than it is. Each node's time is the median of its runs.");
        result.Note(
            "`portable` is the encoder in ONNX's own operators alone, as other exporters write it; transformers.js runs a bundle's own "
            + "`fp32` graph. `products_share_*` is the share of matrix products; in `portable` those of attention are among them. "
            + "`fp32 label` and `int8 label` are the whole graphs that label, decoder included, with this project's kernels, and "
            + "`int8 label, operators` is the latter with the operators that define its functions.");
        return result;
    }

    private static void Add(
        BenchmarkResult result, string graph, int rows, int length, IReadOnlyList<(string Operator, int Nodes, double Milliseconds)> times)
    {
        var total = times.Sum(t => t.Milliseconds);
        var few = times.Where(t => t.Milliseconds < LeastShare * total).ToArray();
        void Row(string what, int nodes, double milliseconds) => result.Row(
            ("batch", rows), ("length", length), ("graph", graph), ("operator", what), ("nodes", nodes), ("ms", milliseconds),
            ("share %", Math.Round(100 * milliseconds / total, 1)));
        foreach (var (what, nodes, milliseconds) in times.Except(few)) Row(what, nodes, milliseconds);
        Row("all others", few.Sum(t => t.Nodes), few.Sum(t => t.Milliseconds));
        result.Ratio(
            Invariant($"products_share_{graph.Replace(",", "", StringComparison.Ordinal).Replace(' ', '_')}_b{rows}_s{length}"),
            times.Where(t => t.Operator.Contains("MatMul", StringComparison.Ordinal)).Sum(t => t.Milliseconds) / total);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
