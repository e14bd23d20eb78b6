using System.Diagnostics;
using System.Security.Cryptography;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Tests;
using DistillOnnx.Toolchain.Improvement;
using DistillOnnx.Toolchain.Quickstart;

namespace DistillOnnx.Benchmarks.Improvement;

/// <summary>
/// Three rounds of <c>improve</c>, killed by SIGKILL at ten random moments and gone on with each time, against an undisturbed run: the
/// same rows, students and curve, and no answer that came asked for again.
/// </summary>
internal sealed class ImproveBenchmark : IBenchmark
{
    private const int Rounds = 3;
    private const int Concurrency = 4;

    /// <inheritdoc/>
    public string Name => "improve";

    /// <inheritdoc/>
    public async Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        var work = Directory.CreateTempSubdirectory("improve-").FullName;
        try
        {
            await KillsAsync(result, work, options.Quick ? 3 : 10, options.Threads, cancellationToken);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }

        return result;
    }

    private static async Task KillsAsync(BenchmarkResult result, string work, int kills, int threads, CancellationToken cancellationToken)
    {
        QuickstartDataset.Generate(Path.Combine(work, "pool"), rows: 600, seed: 1);
        await using var quiet = await FakeEndpoint.StartAsync(Answer, latency: TimeSpan.FromMilliseconds(20), keepsBodies: false);
        var whole = Options(work, "whole", quiet, threads);
        var clock = Stopwatch.StartNew();
        await FinishAsync(whole, cancellationToken);
        var seconds = clock.Elapsed.TotalSeconds;
        BenchmarkOptions.Say($"undisturbed: {seconds:0.0} s, {quiet.Charged.Count} answers");

        var random = new Random(11);
        var (done, loop) = (0, 0);
        while (done < kills)
        {
            // A loop that ended before its kills were used up is compared, and the next one begins anew.
            await using var endpoint = await FakeEndpoint.StartAsync(
                Answer, latency: TimeSpan.FromMilliseconds(20), keepsBodies: false);
            var options = Options(work, $"killed-{++loop}", endpoint, threads);
            var moments = new List<string>();
            var ended = false;
            while (done < kills && !ended)
            {
                using var child = ImproveProcess.Start(options);
                using var late = new CancellationTokenSource(TimeSpan.FromSeconds((0.1 + (0.3 * random.NextDouble())) * seconds));
                try
                {
                    await child.WaitForExitAsync(late.Token);
                    ended = child.ExitCode == 0 ? true : throw new InputException($"{options.Out}: the loop failed; see above");
                }
                catch (OperationCanceledException)
                {
                    child.Kill();
                    await child.WaitForExitAsync(cancellationToken);
                    moments.Add(Last(options));
                    BenchmarkOptions.Say($"kill {++done}: after {moments[^1]}");
                }
            }

            if (!ended) await FinishAsync(options, cancellationToken);
            await CompareAsync(result, whole, options, moments, endpoint);
        }

        result.Note(
            $"Three rounds of 60 rows, `t5-tiny`, {Concurrency} requests in flight. A request that is in flight when the process is killed "
            + "may have been charged: it is asked again, so that each kill can cost at most as many answers; an answer in the journal "
            + "never is.");
    }

    private static async Task CompareAsync(
        BenchmarkResult result, ImproveOptions whole, ImproveOptions killed, List<string> moments, FakeEndpoint endpoint)
    {
        string[] files =
            ["selected/train.jsonl", "annotated/train.jsonl", "data/train.jsonl", "answers.jsonl", "checkpoint/model.safetensors"];
        string Content(ImproveOptions options) => string.Join('\n', Enumerable.Range(1, Rounds).SelectMany(round =>
            files.Select(f => Hash(Path.Combine(options.Out, "rounds", $"{round:000}", f))))
            .Append(Hash(Path.Combine(options.Out, "curve.csv")))
            .Concat(Directory.EnumerateDirectories(Path.Combine(options.Out, "models", "scenes")).Order(StringComparer.Ordinal)
                .Select(d => BundleManifest.Load(d).Version)));
        async Task<int> Answers(ImproveOptions options)
        {
            await using var journal = Journal.Open(Path.Combine(options.Out, "journal"));
            return journal.Count;
        }

        result.Row(
            ("kills", moments.Count),
            ("last step recorded before each", string.Join(", ", moments)),
            ("rows, weights, answers, curve and served bundles equal", Content(whole) == Content(killed) ? "yes" : "NO"),
            ("answers in the journal", await Answers(killed)),
            ("undisturbed", await Answers(whole)),
            ("answers charged", endpoint.Charged.Count),
            ("charged and asked again", endpoint.Repeated.Count));
        result.Ratio("equal_after_kills", Content(whole) == Content(killed) ? 1 : 0);
    }

    private static async Task FinishAsync(ImproveOptions options, CancellationToken cancellationToken)
    {
        using var child = ImproveProcess.Start(options);
        await child.WaitForExitAsync(cancellationToken);
        if (child.ExitCode != 0) throw new InputException($"{options.Out}: the loop failed; see above");
    }

    private static string Answer(string question) =>
        $"The scene has {question.Length} letters. So the answer is {(question.Length % 2 == 0 ? "yes" : "no")}.";

    private static string Hash(string file) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));

    private static string Last(ImproveOptions options)
    {
        var rounds = Path.Combine(options.Out, "rounds");
        if (!Directory.Exists(rounds)) return "nothing";
        var file = new DirectoryInfo(rounds).EnumerateDirectories()
            .SelectMany(d => d.EnumerateFiles("*.json")).MaxBy(f => f.LastWriteTimeUtc);
        return file is null ? "nothing" : $"{Path.GetFileNameWithoutExtension(file.Name)} of round {file.Directory!.Name.TrimStart('0')}";
    }

    private static ImproveOptions Options(string work, string name, FakeEndpoint endpoint, int threads) => new()
    {
        Data = Path.Combine(work, "pool"),
        Model = "t5-tiny",
        Teacher = endpoint.Spec,
        ApiKey = FakeEndpoint.Key,
        Out = Path.Combine(work, name),
        Resume = true,
        Rounds = Rounds,
        Count = 60,
        Concurrency = Concurrency,
        MaxSteps = 12,
        BatchSize = 16,
        EvaluateEvery = 6,
        VocabularySize = 300,
        Device = "cpu",
        Threads = threads,
    };
}
