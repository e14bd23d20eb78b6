using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Prediction;

namespace DistillOnnx.Benchmarks.Inference;

/// <summary>Many labels of one caller, by how many tokens a run takes: what <see cref="RunLimits.ForMany"/> is chosen by.</summary>
internal sealed class RunSizes : IBenchmark
{
    private const int Tokens = 4096;

    private static readonly int[] Sizes = [256, 512, 1024, 2048, Tokens];

    public string Name => "runs";

    public Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken) =>
        Task.Run(() => Run(options, cancellationToken), cancellationToken);

    private BenchmarkResult Run(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        using var student = SmallStudent.Create("int8");
        foreach (var precision in (string[])["fp32", "int8"])
        {
            var predictors = new List<(int Size, BundlePredictor Predictor)>();
            try
            {
                foreach (var size in Sizes) predictors.Add((size, student.OpenPredictor(options.Threads, precision, size)));
                foreach (var length in (int[])[32, 128]) Measure(result, predictors, precision, length, options, cancellationToken);
            }
            finally
            {
                foreach (var (_, predictor) in predictors) predictor.Dispose();
            }
        }

        result.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"T5-small's shape, random weights, {options.Threads} threads; medians of interleaved rounds. `runs_of_N_over_one_*`: {Tokens} "
            + $"tokens of rows of one length, labelled in runs of at most N tokens one after the other, against one run."));
        return result;
    }

    private static void Measure(
        BenchmarkResult result, List<(int Size, BundlePredictor Predictor)> predictors, string precision, int length,
        BenchmarkOptions options, CancellationToken cancellationToken)
    {
        EncodedInput[] rows = [.. InferenceBenchmark.Inputs(Tokens / length, length).Select(i => new EncodedInput { Tokens = i })];
        BenchmarkOptions.Say($"{precision}, {rows.Length} rows of {length} tokens by size of a run");
        var variants = predictors.Select(p => (Label(p.Size), (Action)(() => p.Predictor.Predict(rows, cancellationToken)))).ToList();
        var times = Interleaved.Measure(variants, options.Quick ? 1 : 7, warmup: 1, cancellationToken, Interleaved.SpinningEnds);
        foreach (var size in Sizes)
        {
            var time = times[Label(size)];
            result.Row(
                ("precision", precision), ("length", length), ("tokens of a run", size), ("rows/s", rows.Length / time.Median * 1000),
                ("fastest rows/s", rows.Length / time.Fastest * 1000));
            if (size < Tokens)
                result.Ratio($"runs_of_{size}_over_one_{precision}_s{length}", times.Ratio(Label(size), Label(Tokens)));
        }
    }

    private static string Label(int size) => $"runs of {size}";
}
