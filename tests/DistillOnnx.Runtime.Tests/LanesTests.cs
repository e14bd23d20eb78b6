using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Runtime.Prediction;
using DistillOnnx.Runtime.Sessions;
using DistillOnnx.Runtime.Tests.Fixtures;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Tests;

/// <summary>Sessions that share one graph's weights, and batches that run side by side on them.</summary>
public sealed class LanesTests
{
    private static readonly string[] Texts =
        [.. Enumerable.Range(1, 40).Select(i => string.Concat(Enumerable.Repeat("the cat is ", i % 7)) + $"{i}?")];

    [Theory]
    [InlineData("fp32", false, 3)]
    [InlineData("fp32", true, 3)]
    [InlineData("int8", false, 3)]
    [InlineData("fp16", false, 1)]
    public void Predict_OnLanes_AnswersAsWithoutThem(string precision, bool lowMemory, int lanes)
    {
        foreach (var task in (TaskSpec[])[TinyBundle.LabelTask, TinyBundle.ChoiceTask])
        {
            using var bundle = WideBundle.Create(task, precision);
            PredictorInput[] inputs =
                [.. Texts.Select(t => new PredictorInput(t, task.Kind == TaskKind.Choices ? ["yes", "no", "maybe"] : null))];
            var options = new RuntimeOptions { Device = "cpu", Threads = 3, LowMemory = lowMemory, MaxBatchTokens = 64 };
            using var plain = BundlePredictor.Open(bundle.Directory, options);
            using var wide = BundlePredictor.Open(bundle.Directory, options with { Lanes = 3 });
            var expected = plain.Predict(inputs, TestContext.Current.CancellationToken);

            Assert.Equal((1, lanes), (plain.Lanes, wide.Lanes));
            AssertSame(expected, wide.Predict(inputs, TestContext.Current.CancellationToken));
            for (var lane = 0; lane < wide.Lanes; lane++)
                AssertSame(expected, wide.PredictOnLane(lane, [.. inputs.Select(wide.Encode)], TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public void Predict_LanesOfSeveralThreads_AnswersAsWithoutThem()
    {
        using var bundle = WideBundle.Create(TinyBundle.LabelTask, "fp32");
        PredictorInput[] inputs = [.. Texts.Select(t => new PredictorInput(t))];
        using var plain = BundlePredictor.Open(bundle.Directory, new RuntimeOptions { Device = "cpu", Threads = 1 });
        using var wide = BundlePredictor.Open(
            bundle.Directory, new RuntimeOptions { Device = "cpu", Threads = 4, Lanes = 2, MaxBatchTokens = 64 });

        AssertSame(
            plain.Predict(inputs, TestContext.Current.CancellationToken), wide.Predict(inputs, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Predict_CancelledWhileLanesRun_StopsThem()
    {
        using var bundle = WideBundle.Create(TinyBundle.LabelTask, "fp32");
        using var predictor = BundlePredictor.Open(
            bundle.Directory, new RuntimeOptions { Device = "cpu", Threads = 2, Lanes = 2, MaxBatchTokens = 16 });
        using var cancel = new CancellationTokenSource();
        var rows = new CancellingRows(
            [.. Enumerable.Repeat(Texts, 5).SelectMany(t => t).Select(t => predictor.Encode(new PredictorInput(t)))], cancel);

        Assert.ThrowsAny<OperationCanceledException>(() => predictor.Predict(rows, cancel.Token));
        Assert.InRange(rows.Reads, (2 * rows.Count) - (rows.Count / 2), (2 * rows.Count) - 1);
    }

    [Fact]
    public void PredictOnLane_ThatIsNotThere_Throws()
    {
        using var bundle = WideBundle.Create(TinyBundle.LabelTask, "fp32");
        using var predictor = BundlePredictor.Open(bundle.Directory, new RuntimeOptions { Device = "cpu", Threads = 2, Lanes = 2 });

        Assert.Throws<ArgumentOutOfRangeException>(
            () => predictor.PredictOnLane(2, [predictor.Encode(new PredictorInput("no"))], TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => predictor.PredictOnLane(-1, [predictor.Encode(new PredictorInput("no"))], TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void ReleaseCopiedWeights_WeightsThatSessionsStillRead_AreKept(bool sessionsReadThem, bool released)
    {
        using var bundle = WideBundle.Create(TinyBundle.LabelTask, "fp32");
        var path = WideBundle.LabelGraph(bundle);
        var weights = GraphWeights.TryRead(path, asTheyLie: false)!;
        using var graph = GraphSession.Load(
            new SessionFactory(new RuntimeOptions { Device = "cpu", Lanes = 2, LowMemory = sessionsReadThem }), path, [], [], weights);
        var before = Probe(graph.Session);

        graph.ReleaseCopiedWeights(Probe);

        Assert.Equal(released, !weights.HoldsCopied);
        Assert.Equal(before, Probe(graph.Session));
        Assert.Equal(before, Probe(graph.Of(1)));
        Assert.All(before, p => Assert.True(double.IsFinite(p)));
    }

    /// <summary>
    /// Rows that are read once to plan the batches and once to run them; in the middle of the second reading they cancel.
    /// </summary>
    private sealed class CancellingRows(EncodedInput[] rows, CancellationTokenSource cancel) : IReadOnlyList<EncodedInput>
    {
        private int _reads;

        public int Reads => Volatile.Read(ref _reads);

        public int Count => rows.Length;

        public EncodedInput this[int index]
        {
            get
            {
                if (Interlocked.Increment(ref _reads) == rows.Length + (rows.Length / 2)) cancel.Cancel();
                return rows[index];
            }
        }

        public IEnumerator<EncodedInput> GetEnumerator() => ((IEnumerable<EncodedInput>)rows).GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private static double[] Probe(InferenceSession session)
    {
        using var ids = OrtValue.CreateTensorValueFromMemory(new long[] { 5, 6, 1 }, [1, 3]);
        using var mask = OrtValue.CreateTensorValueFromMemory(new long[] { 1, 1, 1 }, [1, 3]);
        using var options = new RunOptions();
        using var outputs = session.Run(options, ["input_ids", "attention_mask"], [ids, mask], ["label_log_probs"]);
        return [.. outputs[0].GetTensorDataAsSpan<float>().ToArray().Select(p => (double)p)];
    }

    private static void AssertSame(IReadOnlyList<LabelPrediction> expected, IReadOnlyList<LabelPrediction> found)
    {
        Assert.Equal(expected.Count, found.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].Label, found[i].Label);
            for (var label = 0; label < expected[i].Probabilities!.Count; label++)
                Assert.Equal(expected[i].Probabilities![label], found[i].Probabilities![label], 1e-5);
        }
    }
}
