using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Interop;
using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.Runtime.Prediction;
using DistillOnnx.Runtime.Sessions;

namespace DistillOnnx.Benchmarks.Inference;

/// <summary>
/// What a closed-set label costs: the label graph against the encoder alone, against encoder and greedy decoding, in fp32 and
/// int8, against a bare matrix product, and against transformers.js on the same bundle where it is installed.
/// </summary>
internal sealed class InferenceBenchmark : IBenchmark
{
    /// <summary>
    /// Decoding steps that the labels take, end token included: entailment 5, neutral 2, contradiction 2. Alone that is 3 on
    /// average; a batch goes on until its longest label is done.
    /// </summary>
    private const int StepsAlone = 3, StepsInBatch = 5;

    /// <summary>The steps of the published figures of other engines.</summary>
    internal const int StepsOfPeers = 4;

    public string Name => "inference";

    public Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken) =>
        Task.Run(() => Run(options, cancellationToken), cancellationToken);

    private BenchmarkResult Run(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        using var student = SmallStudent.Create("int8");
        StudentSize.Measure(result, student, options);
        StudentMemory.Measure(result, student, options, cancellationToken);
        using (var full = student.Open(options.Threads))
        using (var small = student.Open(options.Threads, "int8"))
        using (var operators = student.Open(options.Threads, "int8", kernels: false))
        using (var portable = student.Open(options.Threads, portable: true))
        using (var call = student.OpenPredictor(options.Threads, BundleManifest.FullPrecision))
        using (var smallCall = student.OpenPredictor(options.Threads, "int8"))
        using (var node = NodeStudent.TryStart(out var missing))
        {
            if (node is null) result.Note($"transformers.js was left out: {missing}.");
            else node.Load(student.Directory, options.Threads);
            foreach (var rows in (int[])[1, 16])
            {
                foreach (var length in (int[])[32, 128])
                    MeasureShape(
                        result,
                        full,
                        small,
                        operators,
                        portable,
                        call,
                        smallCall,
                        node,
                        student.Manifest.LabelModel!.DecoderBytes,
                        rows,
                        length,
                        options,
                        cancellationToken);
            }
        }

        result.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"T5-small's shape, random weights, {options.Threads} threads; medians of interleaved rounds, in ms; a "
            + $"ratio is the median of the rounds' own ratios. Labels take 5, 2 and 2 decoding steps: a single input 3 "
            + $"on average, a batch 5."));
        result.Note(
            "Before each run the benchmark waits until idle threads have stopped spinning; short variants are then run "
            + "for 20 ms uncounted, and for 20 ms timed. `control_*` is the encoder against itself: what it is off 1 is "
            + "the error of a single run; other ratios to the encoder take the mean of both.");
        result.Note(
            "`bound_label_over_encoder_*` adds to the encoder what it takes to read as many bytes of memory as the "
            + "label path's decoder weights have, and nothing else. `int8_product_speedup_*` is what eight-bit products "
            + "gain on this processor without anything around them.");
        result.Note(
            "`label int8` runs this project's kernels between its products; `int8_operators_over_kernels_*` is the time of ONNX Runtime's "
            + "operators, by which the graph defines them, over that.");
        result.Note(
            "`labels by a call` is what a program gets that labels 16 inputs at once: the call divides them into runs of the size "
            + "that it chooses, here of at most 1,024 tokens. `call_over_gemm_*` counts the operations of the encoder alone.");
        result.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"Portable graphs keep to ONNX's own operators, as other exporters' do; `portable_greedy_over_label_*` is "
            + $"what their users run, as is `transformersjs_same_steps_over_label_*` with a runtime of their own; "
            + $"`transformersjs_over_label_*` takes {StepsOfPeers} steps, as the published figures of other engines do."));
        return result;
    }

    private static void MeasureShape(
        BenchmarkResult result,
        Bundle full,
        Bundle small,
        Bundle operators,
        Bundle portable,
        BundlePredictor call,
        BundlePredictor smallCall,
        NodeStudent? node,
        long decoderBytes,
        int rows,
        int length,
        BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        var inputs = Inputs(rows, length);
        EncodedInput[] encoded = [.. inputs.Select(i => new EncodedInput { Tokens = i })];
        var steps = rows == 1 ? StepsAlone : StepsInBatch;
        var greedy = Invariant($"encoder + {steps} greedy steps");
        string Peer(int taken) => Invariant($"transformers.js + {taken} greedy steps");
        var products = Products(rows * length, options.Threads);
        var integers = new MatrixProduct(
            rows * length, SmallStudent.Config.DModel, SmallStudent.Config.DFf, options.Threads, integers: true);
        var weights = new MemoryRead(decoderBytes, options.Threads);
        var variants = new List<(string Name, Action Run)>
        {
            ("encoder", () => Encode(full.TextGenerator(), inputs)),
            ("label", () => full.LabelModel().Score(encoded, cancellationToken)),
            ("encoder again", () => Encode(full.TextGenerator(), inputs)),
            ("label int8", () => small.LabelModel().Score(encoded, cancellationToken)),
            ("label int8, operators", () => operators.LabelModel().Score(encoded, cancellationToken)),
            ("encoder int8", () => Encode(small.TextGenerator(), inputs)),
            ("portable label", () => portable.LabelModel().Score(encoded, cancellationToken)),
            (greedy, () => Generate(full.TextGenerator(), inputs, steps)),
            ("portable " + greedy, () => Generate(portable.TextGenerator(), inputs, steps)),
        };
        if (rows > 1)
        {
            variants.Add(("labels by a call", () => call.Predict(encoded, cancellationToken)));
            variants.Add(("labels by a call, int8", () => smallCall.Predict(encoded, cancellationToken)));
        }

        if (node is not null)
        {
            variants.Add(("transformers.js encoder", () => node.Encode(inputs)));
            variants.Add((Peer(steps), () => node.Generate(inputs, steps, steps)));
            variants.Add((Peer(StepsOfPeers), () => node.Generate(inputs, StepsOfPeers, StepsOfPeers)));
        }

        foreach (var product in products) variants.Add((product.Name, product.Run));
        variants.Add((integers.Name, integers.Run));
        variants.Add(("label's decoder weights, read once", () => weights.Run()));
        BenchmarkOptions.Say(Invariant($"batch {rows}, length {length}"));
        var rounds = options.Quick ? 3 : rows == 1 ? 41 : length == 32 ? 21 : 15;
        var times = Interleaved.Measure(variants, rounds, warmup: 1, cancellationToken, Interleaved.SpinningEnds);
        foreach (var (name, time) in times)
            result.Row(
                ("batch", rows),
                ("length", length),
                ("what", name),
                ("ms", time.Median),
                ("fastest", time.Fastest),
                ("p10", time.Low),
                ("p90", time.High));

        var suffix = Invariant($"b{rows}_s{length}");
        string[] encoder = ["encoder", "encoder again"];
        void Ratio(string name, string numerator, params string[] denominators) =>
            result.Ratio($"{name}_{suffix}", times.Ratio(numerator, denominators));
        Ratio("control_encoder_over_encoder", "encoder again", "encoder");
        Ratio("label_over_encoder", "label", encoder);
        Ratio("greedy_over_label", greedy, "label");
        Ratio("portable_greedy_over_label", "portable " + greedy, "label");
        Ratio("portable_label_over_label", "portable label", "label");
        Ratio("int8_label_over_fp32_encoder", "label int8", encoder);
        Ratio("fp32_label_over_int8_label", "label", "label int8");
        Ratio("int8_operators_over_kernels", "label int8, operators", "label int8");
        if (rows > 1)
        {
            Ratio("call_over_fp32_encoder", "labels by a call", encoder);
            Ratio("int8_call_over_fp32_encoder", "labels by a call, int8", encoder);
        }

        Ratio("int8_product_speedup", products[0].Name, integers.Name);
        if (node is not null)
        {
            Ratio("transformersjs_over_label", Peer(StepsOfPeers), "label");
            Ratio("transformersjs_same_steps_over_label", Peer(steps), "label");
        }

        result.Ratio($"bound_label_over_encoder_{suffix}", 1 + times.Ratio("label's decoder weights, read once", encoder));

        // Against the fastest of the products that an encoder is made of, which is the hardest measure.
        double Rate(params string[] what) => products.Min(p => EncoderOperations(rows, length) / p.Operations * times.Ratio(p.Name, what));
        result.Ratio(suffix == "b16_s128" ? "encoder_over_gemm_b16" : $"encoder_over_gemm_{suffix}", Rate(encoder));
        if (rows > 1) result.Ratio($"call_over_gemm_{suffix}", Rate("labels by a call"));
        foreach (var product in products) product.Dispose();
        integers.Dispose();
    }

    private static void Encode(TextGenerator generator, IReadOnlyList<int[]> inputs)
    {
        using var run = new GraphRun(CancellationToken.None);
        using var batch = new TokenBatch(inputs, SmallStudent.Config.PadTokenId);
        generator.Encoder.Encode(run, batch.InputIds, batch.AttentionMask).Dispose();
    }

    internal static void Generate(TextGenerator generator, IReadOnlyList<int[]> inputs, int steps) =>
        generator.Generate(inputs, new GenerationOptions { MinNewTokens = steps, MaxNewTokens = steps });

    private static MatrixProduct[] Products(int tokens, int threads)
    {
        var c = SmallStudent.Config;
        return
        [
            new(tokens, c.DModel, c.DFf, threads),
            new(tokens, c.DFf, c.DModel, threads),
            new(tokens, c.DModel, c.InnerDim, threads),
        ];
    }

    /// <summary>Floating-point operations of the encoder: projections, feed-forward, scores and mixtures.</summary>
    private static double EncoderOperations(int rows, int length)
    {
        var c = SmallStudent.Config;
        var perToken = 2.0 * ((4.0 * c.DModel * c.InnerDim) + (2.0 * c.DModel * c.DFf) + (2.0 * length * c.InnerDim));
        return rows * length * perToken * c.NumLayers;
    }

    internal static int[][] Inputs(int rows, int length, Random? random = null)
    {
        random ??= new Random(7);
        return [.. Enumerable.Range(0, rows).Select(_ =>
            Enumerable.Range(0, length).Select(i => i == length - 1 ? 1 : random.Next(3, 32_000)).ToArray())];
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
