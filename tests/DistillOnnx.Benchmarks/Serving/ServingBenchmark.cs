using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Benchmarks.Inference;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Runtime;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>
/// What the server costs beside the bare runtime, what batching gains, what it does when too much is asked of it, and how
/// much memory it takes. The server is a process of its own; callers and the in-process loop it is compared with run here.
/// </summary>
internal sealed class ServingBenchmark : IBenchmark
{
    public string Name => "serving";

    public IReadOnlyList<string> Parts { get; } = ["start", "low-load", "saturation", "int8", "overload", "memory"];

    public async Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        using var student = SmallStudent.Create("int8");
        using var predictor = BundlePredictor.Open(student.Directory, new RuntimeOptions { Device = "cpu", Threads = options.Threads });
        var texts = new ServingTexts(predictor);
        var weights = student.Bytes(BundleManifest.FullPrecision, BundleFiles.LabelModel);

        if (options.Includes("start")) await StartCosts.MeasureAsync(result, student.Directory, weights, options, cancellationToken);
        var (sample, source) = texts.Esnli(options.SharedData, options.Quick ? 64 : 384);
        using (var batched = await ServerProcess.StartAsync(student.Directory, options.Threads, [], cancellationToken))
        {
            if (options.Includes("low-load")) await LowLoad.MeasureAsync(result, predictor, batched, sample, options, cancellationToken);
            if (options.Includes("saturation"))
            {
                string[] oneRow = ["--batch-rows", "1"];
                using var unbatched = await ServerProcess.StartAsync(student.Directory, options.Threads, oneRow, cancellationToken);
                await Saturation.MeasureAsync(result, student.Directory, batched, unbatched, sample, options, cancellationToken);
                await Saturation.MeasureLengthsAsync(result, texts, batched, unbatched, options, cancellationToken);
            }

            if (options.Includes("int8"))
            {
                string[] eightBits = ["--precision", "int8"];
                using var int8 = await ServerProcess.StartAsync(student.Directory, options.Threads, eightBits, cancellationToken);
                await Saturation.MeasureInt8Async(result, student.Directory, batched, int8, sample, options, cancellationToken);
            }

            if (options.Includes("overload")) await OverloadCosts.MeasureAsync(result, batched, sample, options, cancellationToken);
        }

        if (options.Includes("memory")) await MeasureMemoryAsync(result, student.Directory, texts, weights, options, cancellationToken);
        result.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"T5-small's shape, random weights, three labels, fp32 where nothing else is said, {options.Threads} threads, client and "
            + $"server on one machine. Texts: {source}, {sample.Average(texts.Tokens):0.0} tokens on average, "
            + $"{sample.Max(texts.Tokens)} at most."));
        return result;
    }

    private static async Task MeasureMemoryAsync(
        BenchmarkResult result,
        string bundle,
        ServingTexts texts,
        long weights,
        BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        const int callers = 16, longest = 48;
        var requests = options.Quick ? 500 : 10_000;
        BenchmarkOptions.Say(Invariant($"resident memory over {requests} requests of random length"));
        using var server = await ServerProcess.StartAsync(bundle, options.Threads, [], cancellationToken);
        var clients = Callers.Connect(server.Address);
        var random = new Random(5);
        var all = texts.Of([.. Enumerable.Range(0, requests).Select(_ => random.Next(8, longest + 1))]);
        var after = new List<long>();
        foreach (var part in all.Chunk(requests / 5))
        {
            await Callers.SendAllAsync(clients, part, callers, cancellationToken);
            after.Add(server.ResidentBytes);
            result.Row(
                ("resident memory", Invariant($"after {after.Count * part.Length} requests of 8 to {longest} tokens")),
                ("MB", after[^1] / 1e6),
                ("over the weights", (after[^1] - weights) / 1e6));
        }

        result.Ratio("resident_all_over_fifth_of_requests", (double)after[^1] / after[0]);
        foreach (var client in clients) client.Dispose();
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
