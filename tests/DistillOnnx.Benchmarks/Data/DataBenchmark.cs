using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Benchmarks.Harness;

namespace DistillOnnx.Benchmarks.Data;

/// <summary>Peak memory and speed of <c>distill import</c> and <c>distill inspect</c>, as processes, over the number of rows.</summary>
internal sealed class DataBenchmark : IBenchmark
{
    private const int Group = 20_000;

    private static readonly (string Name, string Source, string File)[] Formats =
    [
        ("csv", "csv", "tickets.csv"),
        ("jsonl", "jsonl", "tickets.jsonl"),
        ("parquet, groups of 20,000 rows", "parquet", "tickets.parquet"),
        ("parquet, one group", "parquet", "tickets-one.parquet"),
    ];

    /// <inheritdoc/>
    public string Name => "data";

    /// <inheritdoc/>
    public async Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        var work = Directory.CreateTempSubdirectory("data-").FullName;
        int[] sizes = options.Quick ? [10_000, 100_000] : [100_000, 1_000_000];
        try
        {
            var task = Path.Combine(work, "task.json");
            await File.WriteAllTextAsync(task, TicketRows.Task, cancellationToken);
            var imports = Formats.ToDictionary(f => f.Name, _ => new List<Run>());
            var inspections = new List<Run>();
            foreach (var rows in sizes)
            {
                foreach (var (name, source, fileName) in Formats)
                {
                    var (file, dataset) = (Path.Combine(work, fileName), Path.Combine(work, "dataset"));
                    await WriteAsync(name, file, rows);
                    string[] import =
                    [
                        "import", source, "--from", file, "--task", task, "--split-from", "train", "--holdout", "0.1", "--holdout-test",
                        "0.1", "--out", dataset, "--overwrite",
                    ];
                    imports[name].Add(await MeasureAsync(result, $"import {name}", rows, import, cancellationToken));
                    File.Delete(file);
                    if (name == Formats[0].Name)
                        inspections.Add(await MeasureAsync(result, "inspect", rows, ["inspect", dataset, "--json"], cancellationToken));
                }
            }

            // Of the formats that are read in parts the worst one counts.
            result.Ratio("import_memory_1m_over_100k", Formats.SkipLast(1).Max(f => Growth(imports[f.Name])));
            result.Ratio("import_memory_1m_over_100k_one_row_group", Growth(imports[Formats[^1].Name]));
            result.Ratio("inspect_memory_1m_over_100k", Growth(inspections));
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }

        result.Note(
            "Memory is that of a whole process at its peak; half of it is the runtime. Import makes validation and test splits out of the "
            + "rows, so it reads the file three times. A column of a Parquet row group is decoded whole: what a tool wrote as "
            + "one group of a million rows needs gigabytes, and is better written in groups of some ten thousand rows.");
        return result;
    }

    private static double Growth(List<Run> runs) => runs[^1].PeakBytes / (double)runs[0].PeakBytes;

    private static async Task WriteAsync(string format, string file, int rows)
    {
        BenchmarkOptions.Say(string.Create(CultureInfo.InvariantCulture, $"writing {rows} rows as {format}"));
        switch (format)
        {
            case "csv": TicketRows.WriteCsv(file, rows); break;
            case "jsonl": TicketRows.WriteJsonLines(file, rows); break;
            default:
                await TicketRows.WriteParquetAsync(file, rows, format.EndsWith("one group", StringComparison.Ordinal) ? rows : Group);
                break;
        }
    }

    private static async Task<Run> MeasureAsync(
        BenchmarkResult result, string name, int rows, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "distill.dll");
        var info = new ProcessStartInfo(Environment.ProcessPath!, ["exec", program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var start = Stopwatch.GetTimestamp();
        using var process = Process.Start(info)!;
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        long peak = 0;
        while (!process.HasExited)
        {
            peak = Math.Max(peak, Machine.PeakResidentBytes(process.Id));
            await Task.Delay(50, cancellationToken);
        }

        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await output;
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{name} of {rows} rows ended with {process.ExitCode}: {await error}");
        result.Row(
            ("verb", name),
            ("rows", rows),
            ("peak resident MiB", peak / (double)(1 << 20)),
            ("seconds", seconds),
            ("rows/s", rows / seconds));
        BenchmarkOptions.Say(string.Create(CultureInfo.InvariantCulture, $"{name}, {rows} rows: {peak >> 20} MiB, {seconds:0.0} s"));
        return new Run(peak);
    }

    private readonly record struct Run(long PeakBytes);
}
