using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Data.Selection;

namespace DistillOnnx.Benchmarks.Selection;

/// <summary>
/// Accuracy over the teacher's answers where rows are drawn at random, and where they are chosen by uncertainty, coverage and both. What is
/// measured is kept in a directory (<c>DISTILLONNX_SELECTION</c>, or one of the system's temporary ones), so that it can be stopped.
/// </summary>
internal sealed class SelectionBenchmark : IBenchmark
{
    private static readonly SelectionRule[] Rules =
        [SelectionRule.Random, SelectionRule.Uncertainty, SelectionRule.Coverage, SelectionRule.Both];

    // Student's t at 97.5 %, by degrees of freedom from 1.
    private static readonly double[] Quantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

    /// <inheritdoc/>
    public string Name => "selection";

    /// <inheritdoc/>
    public async Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        var work = Environment.GetEnvironmentVariable("DISTILLONNX_SELECTION")
            ?? Path.Combine(Path.GetTempPath(), options.Quick ? "distillonnx-selection-quick" : "distillonnx-selection");
        Directory.CreateDirectory(work);
        var (seeds, selections) = options.Quick ? (2, 2) : (5, 3);
        var testRows = options.Quick ? 100 : 1000;
        foreach (var set in SelectionSet.Make(work, options.SharedData, options.Quick, cancellationToken))
        {
            var whole = await new SelectionChain(set, 0, work, options.Threads, testRows).WholeAsync(cancellationToken);
            // A few steps leave no set's chance, and are for seeing that the benchmark runs.
            var compared = options.Quick || whole.Learns;
            Report(result, set, whole, compared);
            if (!compared) continue;
            var accuracies = Rules.ToDictionary(r => r, _ => new List<IReadOnlyList<double>>());
            for (var seed = 0; seed < seeds; seed++)
            {
                var chain = new SelectionChain(set, seed, work, options.Threads, testRows);
                foreach (var rule in Rules)
                {
                    accuracies[rule].Add(await chain.RunAsync(rule, selections, cancellationToken));
                    BenchmarkOptions.Say(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{set.Name}, seed {seed}, {rule}: {string.Join(' ', accuracies[rule][^1].Select(a => $"{100 * a:0.0}"))}"));
                }
            }

            Report(result, set, accuracies, selections);
        }

        result.Note(
            "A set's student learns first from the first rows and from all rows of its pool, which the teacher answered each (seed 0). "
            + "Where all of them do not take it past chance (the most frequent label, or one of the choices) by three standard errors of "
            + "the test rows, choices of a part cannot be told apart, and the rules are not compared. All students of a set have as many "
            + "steps: where all rows give no more than a part of them does, the steps bound the student and not the rows.");
        result.Note(
            $"Students from scratch on the teacher's labels alone (standard), batches of 32, {testRows} test rows. A "
            + "seed's students share the first rows, initial weights and tokenizer; differences are paired by seed. \"±\" is half of the "
            + "95 % interval (Student's t). Calls for random's last accuracy: where the mean curve first reaches it, linear between the "
            + "points.");
        return result;
    }

    private static void Report(BenchmarkResult result, SelectionSet set, WholePool whole, bool compared) => result.Row(
        ("set", set.Name),
        ("student", set.Student),
        ("steps of each", set.Steps),
        ("chance, %", 100 * whole.Chance),
        ("first rows", set.First),
        ("their accuracy, %", 100 * whole.First),
        ("all rows", whole.Rows),
        ("their accuracy by as many steps, %", 100 * whole.Accuracy),
        ("rules compared", compared ? "yes" : "no: not past chance"));

    private static void Report(
        BenchmarkResult result, SelectionSet set, Dictionary<SelectionRule, List<IReadOnlyList<double>>> accuracies, int selections)
    {
        double Mean(SelectionRule rule, int i) => accuracies[rule].Average(a => a[i]);
        var target = Mean(SelectionRule.Random, selections);
        foreach (var rule in Rules)
        {
            var curve = Enumerable.Range(0, selections + 1).Select(i => Mean(rule, i)).ToList();
            var needed = Calls(curve, target, set);
            for (var i = 0; i <= selections; i++)
            {
                var (mean, reach) = Interval([.. accuracies[rule].Select((a, s) => 100 * (a[i] - accuracies[SelectionRule.Random][s][i]))]);
                result.Row(
                    ("set", set.Name),
                    ("seeds", accuracies[rule].Count),
                    ("rows by", rule.ToString().ToLowerInvariant()),
                    ("calls", set.First + (i * set.Step)),
                    ("accuracy, %", 100 * curve[i]),
                    ("less random, points", rule == SelectionRule.Random || i == 0
                        ? "–"
                        : string.Create(CultureInfo.InvariantCulture, $"{mean:+0.00;-0.00} ± {reach:0.00}")),
                    ("calls for random's last accuracy", needed is { } calls ? Math.Round(calls) : "not reached"));
            }

            if (rule == SelectionRule.Random) continue;
            var name = $"{set.Name}_{rule.ToString().ToLowerInvariant()}";
            result.Ratio($"{name}_points", 100 * (curve[selections] - target));
            if (needed is { } found) result.Ratio($"{name}_calls_over_random", found / (set.First + (selections * set.Step)));
        }
    }

    private static double? Calls(List<double> curve, double target, SelectionSet set)
    {
        for (var i = 0; i < curve.Count; i++)
        {
            if (curve[i] < target) continue;
            var part = i == 0 ? 0 : (target - curve[i - 1]) / (curve[i] - curve[i - 1]);
            return set.First + (i == 0 ? 0 : (i - 1 + part) * set.Step);
        }

        return null;
    }

    private static (double Mean, double Reach) Interval(double[] values)
    {
        var mean = values.Average();
        if (values.Length < 2) return (mean, double.NaN);
        var deviation = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
        return (mean, Quantiles[Math.Min(values.Length - 1, Quantiles.Length) - 1] * deviation / Math.Sqrt(values.Length));
    }
}
