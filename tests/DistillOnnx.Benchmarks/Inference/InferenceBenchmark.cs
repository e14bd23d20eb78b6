using System.Diagnostics;
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
    private const int StepsOfPeers = 4;

    public string Name => "inference";

    public Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken) =>
        Task.Run(() => Run(options, cancellationToken), cancellationToken);

    private BenchmarkResult Run(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        using var student = SmallStudent.Create("int8");
        MeasureSize(result, student, options);
        MeasureMemory(result, student, options, cancellationToken);
        using (var full = student.Open(options.Threads))
        using (var small = student.Open(options.Threads, "int8"))
        using (var node = NodeStudent.TryStart(out var missing))
        {
            if (node is null) result.Note($"transformers.js was left out: {missing}.");
            else node.Load(student.Directory, options.Threads);
            foreach (var rows in (int[])[1, 16])
            {
                foreach (var length in (int[])[32, 128])
                    MeasureShape(result, full, small, node, rows, length, options, cancellationToken);
            }
        }

        result.Note(Invariant($"T5-small's shape, random weights, {options.Threads} threads; medians of interleaved rounds, in ms. Labels take 5, 2 and 2 decoding steps: a single input 3 on average, a batch 5."));
        return result;
    }

    private static void MeasureShape(
        BenchmarkResult result, Bundle full, Bundle small, NodeStudent? node, int rows, int length, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var inputs = Inputs(rows, length);
        EncodedInput[] encoded = [.. inputs.Select(i => new EncodedInput { Tokens = i })];
        var steps = rows == 1 ? StepsAlone : StepsInBatch;
        var products = rows == 1 ? [] : Products(rows * length, options.Threads);
        var variants = new List<(string Name, Action Run)>
        {
            ("encoder", () => Encode(full.TextGenerator(), inputs)),
            ("label", () => full.LabelModel().Score(encoded, cancellationToken)),
            ($"encoder + {steps} greedy steps", () => Generate(full.TextGenerator(), inputs, steps)),
            ("label int8", () => small.LabelModel().Score(encoded, cancellationToken)),
            ("encoder int8", () => Encode(small.TextGenerator(), inputs)),
        };
        if (node is not null)
        {
            variants.Add(($"encoder + {StepsOfPeers} greedy steps", () => Generate(full.TextGenerator(), inputs, StepsOfPeers)));
            variants.Add(("transformers.js encoder", () => node.Encode(inputs)));
            variants.Add(($"transformers.js + {StepsOfPeers} greedy steps", () => node.Generate(inputs, StepsOfPeers, StepsOfPeers)));
        }

        foreach (var product in products) variants.Add(($"product {product.Name}", product.Run));
        BenchmarkOptions.Say(Invariant($"batch {rows}, length {length}"));
        var rounds = options.Quick ? 3 : rows == 1 ? 40 : length == 32 ? 20 : 9;
        var times = Interleaved.Measure(variants, rounds, options.Quick ? 1 : 3, cancellationToken);
        foreach (var (name, _) in variants)
        {
            result.Row(("batch", rows), ("length", length), ("what", name), ("ms", times[name].Median), ("fastest", times[name].Fastest), ("p10", times[name].Low), ("p90", times[name].High));
        }

        var suffix = Invariant($"b{rows}_s{length}");
        result.Ratio($"label_over_encoder_{suffix}", times["label"].Median / times["encoder"].Median);
        result.Ratio($"greedy_over_label_{suffix}", times[$"encoder + {steps} greedy steps"].Median / times["label"].Median);
        result.Ratio($"int8_label_over_fp32_encoder_{suffix}", times["label int8"].Median / times["encoder"].Median);
        result.Ratio($"fp32_label_over_int8_label_{suffix}", times["label"].Median / times["label int8"].Median);
        if (node is not null) result.Ratio($"transformersjs_over_label_{suffix}", times[$"transformers.js + {StepsOfPeers} greedy steps"].Median / times["label"].Median);
        if (products.Length > 0)
        {
            var peak = products.Max(p => p.Operations / times[$"product {p.Name}"].Median);
            result.Ratio(length == 128 ? "encoder_over_gemm_b16" : $"encoder_over_gemm_{suffix}", EncoderOperations(rows, length) / times["encoder"].Median / peak);
            foreach (var product in products) product.Dispose();
        }
    }

    private static void MeasureSize(BenchmarkResult result, SmallStudent student, BenchmarkOptions options)
    {
        const double megabyte = 1e6;
        var label = student.Bytes("fp32", BundleFiles.LabelModel);
        var merged = student.Bytes("fp32", BundleFiles.Encoder, BundleFiles.DecoderMerged);
        result.Row(("files", "label_model"), ("MB", label / megabyte));
        result.Row(("files", "label_model_int8"), ("MB", student.Bytes("int8", BundleFiles.LabelModel) / megabyte));
        result.Row(("files", "encoder_model + decoder_model_merged"), ("MB", merged / megabyte));
        result.Row(("files", "all full-precision graphs"), ("MB", student.Manifest.PrecisionDetails["fp32"].Bytes / megabyte));
        result.Ratio("label_bytes_over_seq2seq_bytes", (double)label / merged);
        if (student.Manifest.LabelModel is { } facts)
        {
            result.Note(Invariant(
                $"The label graph holds {facts.DecoderPositions} decoder position(s) where greedy decoding takes {facts.GreedyPositions}, {facts.VocabularyRows} of {facts.FullVocabularyRows} rows of lm_head, and {facts.DecoderBytes / megabyte:0.0} MB of the decoder's and lm_head's {facts.FullDecoderBytes / megabyte:0.0} MB."));
        }

        var loads = new List<double>();
        for (var i = 0; i < (options.Quick ? 1 : 5); i++)
        {
            var start = Stopwatch.GetTimestamp();
            using var bundle = student.Open(options.Threads);
            bundle.LabelModel();
            loads.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        result.Row(("loading", "manifest, tokenizer and label_model"), ("ms", Timing.Of(loads).Median));
    }

    /// <summary>Resident memory of each set of graphs, and over many requests of random length.</summary>
    private static void MeasureMemory(BenchmarkResult result, SmallStudent student, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        BenchmarkOptions.Say("resident memory over requests of random length");
        var requests = options.Quick ? 500 : 10_000;
        var before = Settled();
        using (var bundle = student.Open(options.Threads))
        {
            var labels = bundle.LabelModel();
            result.Row(("resident memory", "label_model loaded"), ("MB", (Settled() - before) / 1e6));
            var random = new Random(3);
            var after = new Dictionary<int, long>();
            for (var i = 1; i <= requests; i++)
            {
                labels.Score([new EncodedInput { Tokens = Inputs(1, random.Next(1, 49), random)[0] }], cancellationToken);
                if (i == requests / 5 || i == requests / 2 || i == requests)
                {
                    after[i] = Settled();
                    result.Row(("resident memory", Invariant($"label_model after {i} requests of 1 to 48 tokens")), ("MB", (after[i] - before) / 1e6));
                }
            }

            result.Ratio("resident_all_over_fifth_of_requests", (double)after[requests] / after[requests / 5]);
        }

        before = Settled();
        using (var bundle = student.Open(options.Threads))
        {
            Generate(bundle.TextGenerator(), Inputs(1, 48), StepsOfPeers);
            result.Row(("resident memory", "encoder_model + decoder_model_merged, after one request"), ("MB", (Settled() - before) / 1e6));
        }
    }

    private static long Settled()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return Machine.ResidentBytes();
    }

    private static void Encode(TextGenerator generator, IReadOnlyList<int[]> inputs)
    {
        using var run = new GraphRun(CancellationToken.None);
        using var batch = new TokenBatch(inputs, SmallStudent.Config.PadTokenId);
        generator.Encoder.Encode(run, batch.InputIds, batch.AttentionMask).Dispose();
    }

    private static void Generate(TextGenerator generator, IReadOnlyList<int[]> inputs, int steps) =>
        generator.Generate(inputs, new GenerationOptions { MinNewTokens = steps, MaxNewTokens = steps });

    private static MatrixProduct[] Products(int tokens, int threads)
    {
        var c = SmallStudent.Config;
        return [new(tokens, c.DModel, c.DFf, threads), new(tokens, c.DFf, c.DModel, threads), new(tokens, c.DModel, c.InnerDim, threads)];
    }

    /// <summary>Floating-point operations of the encoder: projections, feed-forward, scores and mixtures.</summary>
    private static double EncoderOperations(int rows, int length)
    {
        var c = SmallStudent.Config;
        var perToken = 2.0 * ((4.0 * c.DModel * c.InnerDim) + (2.0 * c.DModel * c.DFf) + (2.0 * length * c.InnerDim));
        return rows * length * perToken * c.NumLayers;
    }

    private static int[][] Inputs(int rows, int length, Random? random = null)
    {
        random ??= new Random(7);
        return [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Range(0, length).Select(i => i == length - 1 ? 1 : random.Next(3, 32_000)).ToArray())];
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
