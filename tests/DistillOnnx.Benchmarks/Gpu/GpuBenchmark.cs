using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.Optimizers;

namespace DistillOnnx.Benchmarks.Gpu;

/// <summary>
/// Training and labels on one GPU, beside transformers on the same card where Python has it. Made to take its figures in eight minutes.
/// With <c>--device cpu --quick</c> it runs anywhere, to see that it does.
/// </summary>
internal sealed class GpuBenchmark : IBenchmark
{
    /// <summary>What can be asked for by itself, so that one that takes too long costs only its own figures.</summary>
    public static IReadOnlyList<string> Parts { get; } = ["training", "labels", "peer", "large"];

    public string Name => "gpu";

    public async Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        var device = Devices.Select(options.Device ?? "cuda:0", Reporter.None);
        bool Does(string part) => options.Part is null || options.Part == part;
        var rates = new Dictionary<string, double>(StringComparer.Ordinal);
        if (Does("training")) GpuTraining.MeasureStages(result, device, options);
        if (options.StagesOnly) return result;
        if (Does("training"))
        {
            GpuTraining.MeasureMemory(
                result, device, options.Quick ? "t5-tiny" : "t5-large", OptimizerKind.AdamW, recompute: false, options, cancellationToken);
            rates = GpuTraining.MeasureRates(result, device, options, cancellationToken);
        }

        if (Does("labels")) await GpuLabels.MeasureAsync(result, options, cancellationToken);
        if (Does("peer")) await GpuTraining.MeasurePeersAsync(result, device, rates, options, cancellationToken);
        if (Does("large"))
        {
            GpuTraining.MeasureMemory(
                result, device, options.Quick ? "t5-tiny" : "t5-3b", OptimizerKind.Adafactor, recompute: true, options, cancellationToken);
        }

        result.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"Device {device}. Model FLOP utilisation is over {options.PeakTeraflops} TFLOP/s, products alone counted, padding not."));
        return result;
    }
}
