using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Core.T5;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.Optimizers;
using DistillOnnx.Training.T5;
using DistillOnnx.Training.Tests.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillOnnx.Benchmarks.Training;

/// <summary>
/// A training step of the T5-small shape against the machine's matrix products, and useful tokens a second on rows as long as
/// e-SNLI's against a plain loop.
/// </summary>
internal sealed class TrainingBenchmark : IBenchmark
{
    private const string Gradient = "gradient alone", Update = "clipping and AdamW alone";
    private const int Rows = 8;
    private const int SourceTokens = 128;
    private const int TargetTokens = 32;
    private const int Side = 2048;
    private const int RealBatch = 16;
    private const int RealBatches = 4;
    private const int GrowthBatch = 3;

    public string Name => "training";

    public Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken) =>
        Task.Run(() => Run(options, cancellationToken), cancellationToken);

    private BenchmarkResult Run(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        LibTorch.Load(options.Threads);
        var result = new BenchmarkResult(Name);
        using var scope = NewDisposeScope();
        using var student = new TrainedModel("t5-small", model => new UnpaddedEngine(model));
        var config = student.Config;
        var even = RowLengths.Even(Rows, SourceTokens, TargetTokens, config.VocabSize);
        using var a = rand(Side, Side);
        using var b = rand(Side, Side);
        using var c = empty(Side, Side);
        var rounds = options.Quick ? 3 : 15;
        var times = Interleaved.Measure(
            [
                ("matrix product", () => c.addmm_(a, b, 0, 1)),
                ("step", () => student.Step(even)),
                (Gradient, () => student.Accumulate(even)),
                (Update, student.Update),
            ],
            rounds, warmup: 2, cancellationToken);
        var gemm = 2.0 * Side * Side * Side / times["matrix product"].Median / 1e6;
        var flops = StepWork.Flops(config, Rows, SourceTokens, TargetTokens);
        double Rate(string name) => flops / times[name].Median / 1e6;
        result.Ratio("step_over_gemm", Rate("step") / gemm);
        result.Ratio("gradient_over_gemm", Rate(Gradient) / gemm);
        foreach (var (name, time) in times)
        {
            object speed = name switch { Update => "", "matrix product" => gemm, _ => Rate(name) };
            result.Row(("what", name), ("median ms", time.Median), ("fastest ms", time.Fastest), ("GFLOP/s", speed));
        }

        var (rows, source) = RowLengths.Esnli(options.SharedData, RealBatch * RealBatches, config.VocabSize);
        var batches = rows.Chunk(RealBatch).ToArray();
        var tokens = rows.Sum(r => (long)r.Tokens);
        var peak = Machine.PeakResidentBytes();

        // Where the processor has no such products, they would take several times as long.
        using var rounded = Processor.MultipliesBFloat16
            ? new TrainedModel("t5-small", model => new UnpaddedEngine(model), bf16: true)
            : null;
        if (rounded is not null)
        {
            var steps = Interleaved.Measure(
                [("step", () => student.Step(even)), ("step in bf16", () => rounded.Step(even))], rounds, warmup: 2, cancellationToken);
            result.Ratio("step_fp32_over_bf16", steps.Ratio("step", "step in bf16"));
            foreach (var (name, time) in steps)
                result.Row(
                    ("precision", name), ("median ms", time.Median), ("fastest ms", time.Fastest), ("GFLOP/s", flops / time.Median / 1e6));
        }

        using var plain = new PlainLoop(1);
        var real = Interleaved.Measure(
            [
                ("plain loop", () => { foreach (var batch in batches) plain.Step(batch); }),
                ("trainer", () => { foreach (var batch in batches) student.Step(batch); }),
                .. rounded is null
                    ? (List<(string, Action)>)[]
                    : [("trainer in bf16", () => { foreach (var batch in batches) rounded.Step(batch); })],
            ],
            options.Quick ? 1 : 5, warmup: 1, cancellationToken);
        result.Ratio("useful_tokens_over_plain", real["plain loop"].Median / real["trainer"].Median);
        if (rounded is not null) result.Ratio("useful_tokens_bf16_over_plain", real["plain loop"].Median / real["trainer in bf16"].Median);
        result.Ratio("peak_resident_gib", peak / (double)(1L << 30));
        foreach (var (name, time) in real)
            result.Row(("rows", source), ("what", name), ("median ms", time.Median), ("useful tokens/s", tokens / time.Median * 1000));
        MeasureEngines(result, rows, source, options, cancellationToken);
        MeasureHostTime(result, options, cancellationToken);
        MeasureGrowth(result, rows, options, cancellationToken);
        result.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"The step is forward, backward, clipping and AdamW of {config.ParameterCount / 1e6:0.0} M parameters, "
            + $"batch {Rows}, {SourceTokens} source and {TargetTokens} target tokens, dropout on: {flops / 1e9:0} "
            + $"GFLOP. Peak resident memory until then {peak / 1048576} MiB. Clipping and AdamW are no "
            + $"products: they read five values of a parameter and write three, {8 * 4 * config.ParameterCount / 1e9:0.0} GB."));
        result.Note(
            $"The plain loop makes two full passes a batch of {RealBatch} rows, padded to the longest, with autograd "
            + "and libtorch's AdamW over each parameter.");
        return result;
    }

    /// <summary>
    /// The two engines on the CPU: the same student, batches of rows of like length as <c>--bucket-window</c> makes them, so that the
    /// padded grid wastes little, and the same optimizer.
    /// </summary>
    private static void MeasureEngines(
        BenchmarkResult result,
        IReadOnlyList<TrainingRow> rows,
        string source,
        BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        const string Padded = "engine for every device (attention padded)", Unpadded = "engine for the CPU (unpadded)";
        using var unpadded = new TrainedModel("t5-small", model => new UnpaddedEngine(model));
        using var padded = new TrainedModel("t5-small", model => new ScriptEngine(model));
        var order = new BatchOrder([.. rows.Select(r => r.Tokens)], RealBatch, RealBatches, seed: 1);
        IReadOnlyList<TrainingRow>[] batches =
            [.. Enumerable.Range(0, order.StepsPerEpoch).Select(s => order.Rows(s).Select(r => rows[r]).ToArray())];
        var tokens = rows.Sum(r => (long)r.Tokens);
        var times = Interleaved.Measure(
            [(Unpadded, () => Epoch(unpadded)), (Padded, () => Epoch(padded))], options.Quick ? 1 : 5, warmup: 1,
            cancellationToken);
        result.Ratio("unpadded_over_padded_cpu", times.Ratio(Padded, Unpadded));
        foreach (var (name, time) in times)
        {
            var rate = tokens / time.Median * 1000;
            result.Row(("engines, buckets of " + source, name), ("median ms", time.Median), ("useful tokens/s", rate));
        }

        result.Note(
            $"The engines have equal batches of {RealBatch} rows of like length (a window of {RealBatches} batches), "
            + "T5-small, dropout and AdamW; "
            + "the ratio says how many times the tokens a second of the engine for every device that for the CPU does.");

        void Epoch(TrainedModel model)
        {
            foreach (var batch in batches) model.Step(batch);
        }
    }

    /// <summary>
    /// What the engine for every device costs the processor that drives a device: a step at widths where the kernels take no time, on
    /// one thread, beside autograd through the modules.
    /// </summary>
    private static void MeasureHostTime(BenchmarkResult result, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        const int Narrow = 16, Layers = 6, NarrowRows = 4;
        var config = T5Presets.Load("t5-small") with
        {
            VocabSize = 64,
            DModel = Narrow,
            DKv = Narrow,
            DFf = Narrow,
            NumHeads = 1,
            NumLayers = Layers,
            NumDecoderLayers = Layers,
        };
        var batch = MicroBatch.Cut(RowLengths.Even(NarrowRows, Narrow, Narrow / 2, config.VocabSize), 16384, 0.5, 0.5).Single();
        var threads = get_num_threads();
        set_num_threads(1);
        using var scope = NewDisposeScope();
        using var model = new T5Model(config, seed: 1);
        using var script = new ScriptEngine(model);
        using var autograd = new AutogradEngine(model);
        const string Script = "engine for every device", Autograd = "autograd through the modules";
        var times = Interleaved.Measure(
            [
                (Script, () => script.Accumulate(batch, 1, true).Dispose()),
                (Autograd, () => autograd.Accumulate(batch, 1, true).Dispose()),
            ],
            options.Quick ? 20 : 200, warmup: 10, cancellationToken);
        set_num_threads(threads);

        // A scope counts the tensors that the program makes, each by a native call; the step itself is one more.
        static long Made(Action action)
        {
            using var counted = NewDisposeScope();
            var before = DisposeScopeManager.Statistics.CreatedInScopeCount;
            action();
            return DisposeScopeManager.Statistics.CreatedInScopeCount - before;
        }

        var made = Made(() => script.Accumulate(batch, 1, true).Dispose());
        using var adafactor = Optimizer.Create(OptimizerKind.Adafactor, script.Weights, model, weightDecay: 0, scaleParameter: false);
        result.Ratio("adafactor_native_calls", Made(() => adafactor.Step(script.Weights, script.Gradients, 1, 1e-4, 1)));

        result.Ratio("cuda_engine_host_ms", times[Script].Median);
        result.Ratio("cuda_engine_host_over_autograd", times[Script].Median / times[Autograd].Median);
        result.Ratio("cuda_engine_native_calls", made);
        foreach (var (name, time) in times)
        {
            var what = $"{name}, {Layers} + {Layers} layers of width {Narrow}";
            result.Row(("host time", what), ("median ms", time.Median), ("fastest ms", time.Fastest));
        }
    }

    /// <summary>Memory and live tensors over many steps of a small student, whose rows differ in length at every step.</summary>
    private static void MeasureGrowth(
        BenchmarkResult result, IReadOnlyList<TrainingRow> rows, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        using var student = new TrainedModel("t5-tiny", model => new UnpaddedEngine(model));
        var steps = options.Quick ? 200 : 2000;
        var (early, late) = (default((long Bytes, long Tensors)), default((long Bytes, long Tensors)));
        for (var step = 1; step <= steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            student.Step([.. Enumerable.Range(0, GrowthBatch).Select(i => rows[((step * GrowthBatch) + i) % rows.Count])]);
            if (step == steps / 10) early = (Machine.ResidentBytes(), Tensor.TotalCount);
            if (step == steps) late = (Machine.ResidentBytes(), Tensor.TotalCount);
        }

        result.Ratio("resident_all_over_tenth_of_steps", (double)late.Bytes / early.Bytes);
        result.Row(("growth of t5-tiny", $"after {steps / 10} steps"), ("resident MB", early.Bytes / 1e6), ("live tensors", early.Tensors));
        result.Row(("growth of t5-tiny", $"after {steps} steps"), ("resident MB", late.Bytes / 1e6), ("live tensors", late.Tensors));
    }
}
