using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Benchmarks.Training;
using DistillOnnx.Core.T5;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Optimizers;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Benchmarks.Gpu;

/// <summary>Time of a training step by stage, and tokens a second.</summary>
internal static class GpuTraining
{
    private const int BatchRows = 64;

    /// <summary>Rows of a step that has enough tokens for a GPU.</summary>
    private const int ManyRows = 512;
    private const int MicroBatchTokens = 32768;

    /// <summary>
    /// Where the time of a step goes, each stage closed by a wait for the device: batches as they come, and one again and again.
    /// </summary>
    public static void MeasureStages(BenchmarkResult result, Device device, BenchmarkOptions options)
    {
        var preset = options.Quick ? "t5-tiny" : "t5-small";
        var (rows, source) = RowLengths.Esnli(options.SharedData, options.Quick ? 128 : 2048, T5Presets.Load(preset).VocabSize);
        IReadOnlyList<TrainingRow>[] batches = [.. rows.Chunk(options.Quick ? 4 : BatchRows)];
        var forms = Precisions(options.Quick).Select(p => (p.Name, p.Precision, p.Tf32, Record: true)).ToList();
        if (!options.Quick) forms.Add(("bf16, kernel by kernel", TrainingPrecision.Bf16, true, false));
        foreach (var (name, precision, tf32, record) in forms)
        {
            using var student = new Student(preset, device, precision, tf32, record: record);
            foreach (var repeats in new[] { false, true })
            {
                BenchmarkOptions.Say($"{preset} {name}: stages of a step, {(repeats ? "one batch again and again" : source)}");
                var stages = new Dictionary<string, List<double>>(StringComparer.Ordinal);
                void Note(string stage, double ms) => (stages.TryGetValue(stage, out var all) ? all : stages[stage] = []).Add(ms);
                var steps = Math.Min(batches.Length, options.Quick ? 3 : 32);
                for (var step = 0; step < steps; step++) student.Step(batches[repeats ? 0 : step], Note);
                foreach (var (stage, times) in stages)
                {
                    var steady = Timing.Of([.. times.Skip(times.Count / 4)]);
                    result.Row(
                        ("stages", $"{preset} {name}, {(repeats ? "repeating shape" : "changing shapes")}"), ("stage", stage),
                        ("first ms", times[0]), ("median ms", steady.Median), ("p90 ms", steady.High));
                }
            }

            result.Row(
                ("shapes", $"{preset} {name}"), ("distinct", student.Shapes), ("recorded", student.Recorded),
                ("resident on the device MiB", DeviceMemory()));
        }
    }

    /// <summary>Tokens a second and model FLOP utilisation by size and precision.</summary>
    /// <returns>Tokens a second in bf16, by preset.</returns>
    public static Dictionary<string, double> MeasureRates(
        BenchmarkResult result, Device device, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var rates = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var preset in options.Quick ? ["t5-tiny"] : (string[])["t5-small", "t5-base", "t5-large"])
        {
            var single = 0.0;
            foreach (var (name, precision, tf32) in Precisions(options.Quick))
            {
                // Without TF32 nobody trains; what it costs is seen on the smallest.
                if (name == "fp32" && preset is "t5-base" or "t5-large") continue;
                var (rate, _) = MeasureRate(result, device, preset, name, precision, tf32, BatchRows, options, cancellationToken);
                if (name != "bf16")
                {
                    single = rate;
                    continue;
                }

                rates[preset] = rate;
                if (preset is "t5-small") result.Ratio("train_small_bf16_tokens_per_s", rate);

                // Over TF32, which is what fp32 means on a GPU.
                result.Ratio($"bf16_over_fp32_training_{preset["t5-".Length..]}", rate / single);
            }

            var (_, utilisation) = MeasureRate(
                result, device, preset, "bf16", TrainingPrecision.Bf16, true, ManyRows, options, cancellationToken);
            result.Ratio($"train_{preset["t5-".Length..]}_mfu", utilisation);
        }

        return rates;
    }

    /// <summary>The same by transformers, in bf16.</summary>
    /// <param name="result">Receives the figures.</param>
    /// <param name="device">Where to run.</param>
    /// <param name="size">Of the preset.</param>
    /// <param name="rates">What <see cref="MeasureRates"/> gave; what is missing is measured.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public static async Task MeasurePeerAsync(
        BenchmarkResult result, Device device, string size, Dictionary<string, double> rates, BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        var preset = "t5-" + size;
        if (!rates.TryGetValue(preset, out var rate))
        {
            (rate, _) = MeasureRate(
                result, device, preset, "bf16", TrainingPrecision.Bf16, true, BatchRows, options, cancellationToken);
        }

        BenchmarkOptions.Say($"{preset} bf16: transformers");
        if (await Peer.TokensPerSecondAsync(preset, options, cancellationToken) is not { } peer)
        {
            result.Note("Python with torch and transformers was not found, so nothing stands beside these figures.");
            return;
        }

        result.Ratio($"train_{size}_over_peer", rate / peer.Changing);
        result.Ratio($"train_{size}_over_peer_one_shape", rate / peer.Repeating);
        if (peer.Compiled is { } compiled) result.Ratio($"train_{size}_over_peer_compiled", rate / compiled);
        result.Row(
            ("training", $"{preset} transformers bf16"), ("tokens/s, shapes as they come", peer.Changing), ("one shape", peer.Repeating),
            ("compiled, one shape", peer.Compiled is { } found ? found : "not in time"));
    }

    private static (double Tokens, double Utilisation) MeasureRate(
        BenchmarkResult result, Device device, string preset, string name, TrainingPrecision precision, bool tf32, int batchRows,
        BenchmarkOptions options, CancellationToken cancellationToken)
    {
        BenchmarkOptions.Say($"{preset} {name}: tokens a second, {batchRows} rows a step");
        var (rows, _) = RowLengths.Esnli(options.SharedData, options.Quick ? 16 : 4096, T5Presets.Load(preset).VocabSize);
        IReadOnlyList<TrainingRow>[] batches = [.. rows.Chunk(options.Quick ? 4 : batchRows)];
        using var student = new Student(preset, device, precision, tf32);
        var (tokens, flops, seconds) = student.Rate(batches, TimeSpan.FromSeconds(options.Quick ? 1 : 4), cancellationToken);
        var utilisation = flops / seconds / (options.PeakTeraflops * 1e12);
        result.Row(
            ("training", $"{preset} {name}"), ("rows a step", batchRows), ("useful tokens/s", tokens / seconds),
            ("model FLOP utilisation", utilisation),
            ("distinct shapes", student.Shapes), ("recorded", student.Recorded), ("resident on the device MiB", DeviceMemory()));
        options.Save(result);
        return (tokens / seconds, utilisation);
    }

    /// <summary>
    /// What a process holds of the device that trains a student, with the options that it is trained with.
    /// </summary>
    public static void MeasureMemory(
        BenchmarkResult result, Device device, string preset, OptimizerKind optimizer, bool recompute, BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        var (rowsOfStep, steps) = (options.Quick ? 2 : 16, 3);
        if (options.Quick) preset = "t5-tiny";
        BenchmarkOptions.Say($"{preset} bf16: memory");
        var (rows, _) = RowLengths.Esnli(options.SharedData, rowsOfStep * steps, T5Presets.Load(preset).VocabSize);
        try
        {
            using var student = new Student(preset, device, TrainingPrecision.Bf16, tf32: true, optimizer, recompute);
            foreach (var batch in rows.Chunk(rowsOfStep))
            {
                cancellationToken.ThrowIfCancellationRequested();
                student.Step(batch, (_, _) => { });
            }

            result.Row(
                ("memory", $"{preset} bf16 {optimizer}{(recompute ? ", blocks recomputed" : "")}"), ("rows a step", rowsOfStep),
                ("of the device MiB", DeviceMemory()));
        }
        catch (System.Runtime.InteropServices.ExternalException e)
        {
            // A card that is too small for this student must not cost the other figures.
            result.Note($"{preset}: {TorchScript.Fault(e)}");
        }
    }

    private static IEnumerable<(string Name, TrainingPrecision Precision, bool Tf32)> Precisions(bool quick) => quick
        ? [("fp32", TrainingPrecision.Fp32, false), ("bf16", TrainingPrecision.Bf16, true)]
        : [("fp32", TrainingPrecision.Fp32, false), ("tf32", TrainingPrecision.Fp32, true), ("bf16", TrainingPrecision.Bf16, true)];

    /// <summary>MiB that processes hold of the device; −1 where that cannot be told.</summary>
    private static double DeviceMemory() =>
        double.TryParse(Smi("memory.used"), NumberStyles.Float, CultureInfo.InvariantCulture, out var used) ? used : -1;

    /// <summary>What nvidia-smi says of the first GPU; that it is not there where there is none.</summary>
    /// <param name="field">Name of the field.</param>
    public static string Smi(string field)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(
                "nvidia-smi", [$"--query-gpu={field}", "--format=csv,noheader,nounits"])
            { RedirectStandardOutput = true })!;
            var text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return text.Split('\n')[0].Trim();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "no nvidia-smi";
        }
    }

    /// <summary>A student with the engine for every device and AdamW, as the trainer has it.</summary>
    private sealed class Student : IDisposable
    {
        private readonly T5Model _model;
        private readonly ScriptEngine _engine;
        private readonly IOptimizer _optimizer;
        private readonly Device _device;
        private int _step;

        public Student(
            string preset, Device device, TrainingPrecision precision, bool tf32, OptimizerKind optimizer = OptimizerKind.AdamW,
            bool recompute = false, bool record = true)
        {
            _device = device;
            _model = new T5Model(T5Presets.Load(preset), device, seed: 1);
            if (device.type != TorchSharp.DeviceType.CPU) backends.cuda.matmul.allow_tf32 = tf32;
            if (precision == TrainingPrecision.Bf16) _model.ComputeType = ScalarType.BFloat16;
            _engine = StudentEngines.Script(_model, recompute, record, Reporter.None);
            _optimizer = Optimizer.Create(optimizer, _engine.Weights, _model, weightDecay: 0, scaleParameter: false);
        }

        public int Shapes => _engine.Shapes;

        public int Recorded => _engine.Recorded;

        public void Step(IReadOnlyList<TrainingRow> rows, Action<string, double> stage)
        {
            var watch = Stopwatch.StartNew();
            void Close(string name)
            {
                if (_device.type != TorchSharp.DeviceType.CPU) cuda.synchronize(_device);
                stage(name, watch.Elapsed.TotalMilliseconds);
                watch.Restart();
            }

            var parts = MicroBatch.Cut(rows, MicroBatchTokens, 0.5, 0.5);
            Close("cut into micro-batches");
            for (var i = 0; i < parts.Count; i++) _engine.Accumulate(parts[i], _step, i == 0).Dispose();
            stage("upload, forward and backward until the call returns", watch.Elapsed.TotalMilliseconds);
            Close("upload, forward and backward");
            using (GradientNorm.ClipOnDevice(_engine.Gradients, 1)) Close("clip");
            _optimizer.Step(_engine.Weights, _engine.Gradients, 1, 1e-4, ++_step);
            Close("optimizer");
            _engine.WeightsChanged();
            Close("cast of the weights");
        }

        /// <summary>Steps without a wait between them, after a tenth of the time to warm up.</summary>
        public (double Tokens, double Flops, double Seconds) Rate(
            IReadOnlyList<TrainingRow>[] batches, TimeSpan length, CancellationToken cancellationToken)
        {
            var (tokens, flops) = (0.0, 0.0);
            var watch = new Stopwatch();
            PendingLoss? last = null;
            for (int i = 0, warm = Math.Min(batches.Length, 8); watch.Elapsed < length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (i == warm)
                {
                    Wait();
                    watch.Start();
                }

                var rows = batches[i % batches.Length];
                var parts = MicroBatch.Cut(rows, MicroBatchTokens, 0.5, 0.5);
                PendingLoss? loss = null;
                for (var p = 0; p < parts.Count; p++)
                {
                    loss?.Dispose();
                    loss = _engine.Accumulate(parts[p], _step, p == 0);
                }

                GradientNorm.ClipOnDevice(_engine.Gradients, 1).Dispose();
                _optimizer.Step(_engine.Weights, _engine.Gradients, 1, 1e-4, ++_step);
                _engine.WeightsChanged();

                // The trainer reads the figures of a step when the next one is under way, which also bounds what is queued.
                using (last) last?.Read();
                last = loss;
                if (i < warm) continue;
                tokens += rows.Sum(r => (double)r.Tokens);
                flops += rows.Sum(r => r.Sequences.Sum(s => StepWork.Flops(_model.Config, 1, s.Source.Length, s.Target.Length)));
            }

            Wait();
            last?.Dispose();
            return (tokens, flops, watch.Elapsed.TotalSeconds);
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _engine.Dispose();
            _model.Dispose();
        }

        private void Wait()
        {
            if (_device.type != TorchSharp.DeviceType.CPU) cuda.synchronize(_device);
        }
    }
}
