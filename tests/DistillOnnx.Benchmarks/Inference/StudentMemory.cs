using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Runtime.Prediction;

namespace DistillOnnx.Benchmarks.Inference;

/// <summary>Resident memory of each set of graphs, and over many requests of random length.</summary>
internal static class StudentMemory
{
    /// <summary>Loads, answers, and reads what the process holds.</summary>
    public static void Measure(BenchmarkResult result, SmallStudent student, BenchmarkOptions options, CancellationToken cancellationToken)
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
                labels.Score(
                    [new EncodedInput { Tokens = InferenceBenchmark.Inputs(1, random.Next(1, 49), random)[0] }], cancellationToken);
                if (i == requests / 5 || i == requests / 2 || i == requests)
                {
                    after[i] = Settled();
                    result.Row(
                        ("resident memory", FormattableString.Invariant($"label_model after {i} requests of 1 to 48 tokens")),
                        ("MB", (after[i] - before) / 1e6));
                }
            }

            result.Ratio("resident_all_over_fifth_of_requests", (double)after[requests] / after[requests / 5]);
        }

        before = Settled();
        using (var bundle = student.Open(options.Threads))
        {
            InferenceBenchmark.Generate(bundle.TextGenerator(), InferenceBenchmark.Inputs(1, 48), InferenceBenchmark.StepsOfPeers);
            result.Row(("resident memory", "encoder_model + decoder_model_merged, after one request"), ("MB", (Settled() - before) / 1e6));
        }
    }

    private static long Settled()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return Machine.ResidentBytes();
    }
}
