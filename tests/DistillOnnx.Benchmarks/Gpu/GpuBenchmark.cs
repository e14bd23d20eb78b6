using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.Optimizers;

namespace DistillOnnx.Benchmarks.Gpu;

/// <summary>
/// Training and labels on one GPU, beside transformers on the same card where Python has it. Each part is a process of its own where
/// <c>scripts/gpu</c> runs them.
/// With <c>--device cpu --quick</c> it runs anywhere, to see that it does.
/// </summary>
internal sealed class GpuBenchmark : IBenchmark
{
    public string Name => "gpu";

    /// <summary>What can be asked for by itself, so that one that takes too long costs only its own figures.</summary>
    public IReadOnlyList<string> Parts { get; } = ["stages", "training", "peer-small", "peer-base", "large", "3b", "labels"];

    public async Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        var device = Devices.Select(options.Device ?? "cuda:0", Reporter.None);
        var rates = new Dictionary<string, double>(StringComparer.Ordinal);
        if (options.Includes("stages")) GpuTraining.MeasureStages(result, device, options);
        if (options.Includes("training")) rates = GpuTraining.MeasureRates(result, device, options, cancellationToken);
        foreach (var size in options.Quick ? ["small"] : (string[])["small", "base"])
        {
            if (options.Includes("peer-" + size))
                await GpuTraining.MeasurePeerAsync(result, device, options.Quick ? "tiny" : size, rates, options, cancellationToken);
        }

        // What earlier students held is not given back, so these are true of a process of their own.
        if (options.Includes("large"))
            GpuTraining.MeasureMemory(result, device, "t5-large", OptimizerKind.AdamW, recompute: false, options, cancellationToken);
        if (options.Includes("3b"))
            GpuTraining.MeasureMemory(result, device, "t5-3b", OptimizerKind.Adafactor, recompute: true, options, cancellationToken);
        if (options.Includes("labels")) await GpuLabels.MeasureAsync(result, options, cancellationToken);
        result.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"Device {device}, {GpuTraining.Smi("name")}. Model FLOP utilisation is over {options.PeakTeraflops} TFLOP/s, "
            + $"products alone counted, padding not."));
        return result;
    }
}
