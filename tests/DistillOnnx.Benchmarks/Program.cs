using System.Globalization;
using System.Text.Json.Nodes;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Core;

namespace DistillOnnx.Benchmarks;

/// <summary>
/// <c>scripts/bench NAME|all [--json FILE] [--markdown DIR] [--threads N] [--shared DIR] [--quick]</c>, for those with parts
/// <c>[--part NAME] [--join DIR]</c>, and for <c>gpu</c> <c>[--device NAME] [--stages] [--peak-tflops N]</c>
/// </summary>
internal static class Program
{
    private static readonly IBenchmark[] All =
    [
        new Training.TrainingBenchmark(),
        new Inference.InferenceBenchmark(),
        new Inference.RunSizes(),
        new Profile.ProfileBenchmark(),
        new Serving.ServingBenchmark(),
        new Serving.CollectingBenchmark(),
        new Tokenizer.TokenizerBenchmark(),
        new Annotation.AnnotationBenchmark(),
        new Data.DataBenchmark(),
        new Selection.SelectionBenchmark(),
        new Improvement.ImproveBenchmark(),
        new Gpu.GpuBenchmark(),
    ];

    private static async Task<int> Main(string[] args)
    {
        string? name = null, json = null, markdown = null, shared = Environment.GetEnvironmentVariable("DISTILLONNX_SHARED");
        var threads = Environment.ProcessorCount;
        var quick = false;
        string? device = null, part = null, join = null;
        var peak = 790.0;
        for (var i = 0; i < args.Length; i++)
        {
            string Next() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{args[i]} needs a value");
            try
            {
                switch (args[i])
                {
                    case "--json": json = Next(); break;
                    case "--markdown": markdown = Next(); break;
                    case "--shared": shared = Next(); break;
                    case "--threads": threads = int.Parse(Next(), CultureInfo.InvariantCulture); break;
                    case "--quick": quick = true; break;
                    case "--device": device = Next(); break;
                    case "--part": part = Next(); break;
                    case "--join": join = Next(); break;
                    case "--stages": part = "stages"; break;
                    case "--peak-tflops": peak = double.Parse(Next(), CultureInfo.InvariantCulture); break;
                    default:
                        if (name is not null || args[i].StartsWith('-')) throw new ArgumentException($"unknown argument {args[i]}");
                        name = args[i];
                        break;
                }
            }
            catch (Exception e) when (e is ArgumentException or FormatException)
            {
                Console.Error.WriteLine(e.Message);
                return 2;
            }
        }

        // A machine need not have a GPU, and choosing rows takes hours: "all" is all others.
        var chosen = All.Where(b => name is "all" ? b is not (Gpu.GpuBenchmark or Selection.SelectionBenchmark) : b.Name == name).ToArray();
        if (chosen.Length == 0)
        {
            Console.Error.WriteLine(
                $"usage: bench {string.Join('|', All.Select(b => b.Name))}|all [--json FILE] [--markdown DIR] "
                + "[--threads N] [--shared DIR] [--quick]; those with parts: [--part NAME] [--join DIR]; "
                + "gpu: [--device NAME] [--stages] [--peak-tflops N]");
            return 2;
        }

        if (part is not null && (chosen.Length > 1 || !chosen[0].Parts.Contains(part)))
        {
            Console.Error.WriteLine(
                chosen.Length > 1 || chosen[0].Parts.Count == 0
                    ? $"--part: {name} has no parts"
                    : $"--part: expected one of {string.Join(", ", chosen[0].Parts)}, found \"{part}\"");
            return 2;
        }

        if (join is not null && (part is not null || chosen.Length > 1 || chosen[0].Parts.Count == 0))
        {
            Console.Error.WriteLine("--join: expected one benchmark that has parts, and no --part");
            return 2;
        }

        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            stop.Cancel();
        };
        // Before anything is measured: a missing directory must not cost the figures.
        if (markdown is not null) Directory.CreateDirectory(markdown);
        var options = new BenchmarkOptions(threads, quick, Directory.Exists(shared) ? shared : null)
        {
            Device = device,
            Part = part,
            Save = r =>
            {
                if (json is not null && chosen.Length == 1) File.WriteAllText(json, r.ToJsonText());
            },
            PeakTeraflops = peak,
        };
        foreach (var benchmark in chosen)
        {
            BenchmarkResult result;
            try
            {
                result = join is null ? await benchmark.RunAsync(options, stop.Token) : Join(benchmark, join);
            }
            catch (InputException fault)
            {
                Console.Error.WriteLine($"{benchmark.Name}: {fault.Message}");
                return 1;
            }

            var command = $"scripts/bench {benchmark.Name}" + (quick ? " --quick" : "") + (part is null ? "" : $" --part {part}")
                + (join is null ? "" : " --join DIR");
            Console.WriteLine(result.ToMarkdown(command));
            if (json is not null) await File.WriteAllTextAsync(PathFor(json, benchmark, chosen.Length), result.ToJsonText(), stop.Token);
            if (markdown is not null)
                await File.WriteAllTextAsync(Path.Combine(markdown, benchmark.Name + ".md"), result.ToMarkdown(command), stop.Token);
        }

        return 0;
    }

    // DIR/PART.json, each written by a run of its own.
    private static BenchmarkResult Join(IBenchmark benchmark, string directory)
    {
        var files = benchmark.Parts.Select(p => Path.Combine(directory, p + ".json")).Where(File.Exists).ToArray();
        if (files.Length == 0) throw new InputException($"{directory}: no file of a part ({string.Join(", ", benchmark.Parts)}) there");
        return BenchmarkResult.Join(benchmark.Name, [.. files.Select(f => JsonNode.Parse(File.ReadAllText(f))!.AsObject())]);
    }

    /// <summary>One file each where several benchmarks run: <c>result.json</c> becomes <c>result.training.json</c>.</summary>
    private static string PathFor(string json, IBenchmark benchmark, int count) =>
        count == 1 ? json : Path.ChangeExtension(json, benchmark.Name + Path.GetExtension(json));
}
