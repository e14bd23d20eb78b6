using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Tests;

namespace DistillOnnx.Benchmarks.Annotation;

/// <summary>
/// The teacher under stress, against an endpoint of its own on loopback: faults and kills (every row once, nothing paid
/// twice), the share of an endpoint's allowed rate that is used, and memory over the number of rows.
/// </summary>
internal sealed class AnnotationBenchmark : IBenchmark
{
    private const int Concurrency = 64;
    private const int Kills = 5;
    private const double FaultRate = 0.2;
    private const double AllowedPerSecond = 200;

    /// <inheritdoc/>
    public string Name => "annotation";

    /// <inheritdoc/>
    public async Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        var work = Directory.CreateTempSubdirectory("annotation-").FullName;
        try
        {
            await KillsAsync(result, Path.Combine(work, "kills"), options.Quick ? 1000 : 10_000, cancellationToken);
            foreach (var kind in (string[])["stated", "Retry-After", "bare 429"])
                await RateAsync(result, Path.Combine(work, kind.Split(' ')[0]), kind, options.Quick ? 15 : 30, cancellationToken);
            await MemoryAsync(result, work, options.Quick ? [10_000, 50_000] : [100_000, 1_000_000], cancellationToken);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }

        return result;
    }

    private static async Task KillsAsync(BenchmarkResult result, string directory, int rows, CancellationToken cancellationToken)
    {
        var data = Path.Combine(directory, "data");
        TestData.Write(data, rows);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right, FaultRate, keepsBodies: false);
        var options = TestData.Options(data, endpoint.Spec, Path.Combine(directory, "out")) with { Concurrency = Concurrency, Timeout = 1 };
        var random = new Random(7);
        var kills = new List<int>();
        for (var kill = 0; kill < Kills; kill++)
        {
            using var child = ChildProcess.Start(options);
            var target = endpoint.Charged.Count + (int)((rows - endpoint.Charged.Count) * random.NextDouble() * 0.5);
            while (endpoint.Charged.Count <= target && !child.HasExited) await Task.Delay(1, cancellationToken);
            child.Kill();
            await child.WaitForExitAsync(cancellationToken);
            kills.Add(endpoint.Charged.Count);
            BenchmarkOptions.Say($"killed at {endpoint.Charged.Count} of {rows} rows");
        }

        using (var last = ChildProcess.Start(options)) await last.WaitForExitAsync(cancellationToken);
        var written = Dataset.Open(options.Out).Load(SplitNames.Train);
        await using var journal = Journal.Open(options.Out + ".journal");
        var charged = (Input: endpoint.Charged.Values.Sum(c => (long)c.Input), Output: endpoint.Charged.Values.Sum(c => (long)c.Output));
        result.Row(
            ("rows", rows),
            ("calls", endpoint.Calls["/v1/chat/completions"]),
            ("faults", endpoint.Faults.Values.Sum()),
            ("killed at", string.Join(' ', kills)),
            (
                "rows done once",
                written.Where((r, i) => r.Id == $"train-{i}" && r.TeacherLabel == r.Label && r.Rationale is not null).Count()),
            ("answers charged", endpoint.Charged.Count),
            ("charged and asked again", endpoint.Repeated.Count),
            ("answers in the journal", journal.Totals.Values.Sum(t => t.Answers)),
            ("ledger tokens", string.Create(CultureInfo.InvariantCulture, $"{journal.Tokens.Input} + {journal.Tokens.Output}")),
            ("endpoint's tokens", string.Create(CultureInfo.InvariantCulture, $"{charged.Input} + {charged.Output}")));
        result.Ratio("rows_done_once", (double)written.Count(r => r.TeacherLabel == r.Label) / rows);
        result.Ratio("ledger_over_endpoint", (double)(journal.Tokens.Input + journal.Tokens.Output) / (charged.Input + charged.Output));
        result.Note(
            $"Faults by kind: {string.Join(", ", endpoint.Faults.OrderBy(f => f.Key).Select(f => $"{f.Key} {f.Value}"))}. "
                + "\"Charged and asked again\" are answers that were on their way when a process was killed: "
                + "they come again under the same Idempotency-Key, and are charged once.");
    }

    private static async Task RateAsync(
        BenchmarkResult result, string directory, string kind, int seconds, CancellationToken cancellationToken)
    {
        var rows = (int)(AllowedPerSecond * seconds);
        var data = Path.Combine(directory, "data");
        TestData.Write(data, rows);
        var gate = new RateGate(AllowedPerSecond, AllowedPerSecond / 10, kind == "Retry-After", TimeProvider.System);
        await using var endpoint = await FakeEndpoint.StartAsync(
            TestData.Right, latency: TimeSpan.FromMilliseconds(50), gate: gate, keepsBodies: false);
        var options = TestData.Options(data, endpoint.Spec, Path.Combine(directory, "out")) with
        {
            Concurrency = Concurrency,
            RetryDelay = 1,
            RequestsPerMinute = kind == "stated" ? AllowedPerSecond * 60 : null,
        };
        var start = Stopwatch.GetTimestamp();
        var run = Annotator.RunAsync(options, Reporter.None, cancellationToken);
        while (!run.IsCompleted && endpoint.Charged.Count < rows) await Task.Delay(5, cancellationToken);
        var time = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var kept = (await run).Splits![SplitNames.Train].Kept;
        var share = rows / time / AllowedPerSecond;
        result.Row(
            ("allowed rate", kind),
            ("requests/s allowed", AllowedPerSecond),
            ("rows", rows),
            ("kept", kept),
            ("seconds", time),
            ("requests/s answered", rows / time),
            ("turned away", gate.TurnedAway),
            ("share of the allowed rate", share));
        result.Ratio($"throughput_over_allowed_{kind.ToLowerInvariant().Replace(' ', '_').Replace('-', '_')}", share);
        BenchmarkOptions.Say($"{kind}: {share:0.000} of the allowed rate");
    }

    private static async Task MemoryAsync(BenchmarkResult result, string work, int[] sizes, CancellationToken cancellationToken)
    {
        var peaks = new List<double>();
        foreach (var rows in sizes)
        {
            var data = Path.Combine(work, $"rows{rows}");
            WorldTexts.Write(data, rows);
            var options = new AnnotateOptions { Data = data, Teacher = "rules", Out = data + ".out", Concurrency = Concurrency };
            var start = Stopwatch.GetTimestamp();
            using var child = ChildProcess.Start(options);
            long peak = 0;
            while (!child.HasExited)
            {
                peak = Math.Max(peak, Machine.PeakResidentBytes(child.Id));
                await Task.Delay(100, cancellationToken);
            }

            if (child.ExitCode != 0) throw new InvalidOperationException($"the annotation of {rows} rows ended with {child.ExitCode}");
            var time = Stopwatch.GetElapsedTime(start).TotalSeconds;
            peaks.Add(peak / (double)(1 << 20));
            result.Row(("rows", rows), ("peak resident MiB", peaks[^1]), ("seconds", time), ("rows/s", rows / time));
            BenchmarkOptions.Say($"{rows} rows: {peaks[^1]:0} MiB");
            Directory.Delete(data, recursive: true);
            Directory.Delete(data + ".out", recursive: true);
            Directory.Delete(data + ".out.journal", recursive: true);
        }

        result.Ratio("memory_1m_over_100k", peaks[^1] / peaks[0]);
        result.Note("Memory is that of a whole process (the rule-based teacher, journal and dataset on disk) at its peak.");
    }
}
