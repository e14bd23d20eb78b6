using System.Globalization;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>
/// Whether a new student may take the place of the one that serves: it is refused where the exact one-sided test over paired answers
/// says, at the level, that it is worse on all rows or on the rows of a class.
/// </summary>
public sealed record GateResult
{
    /// <summary>Whether it may.</summary>
    public required bool Passed { get; init; }

    /// <summary>The level of each test.</summary>
    public required double Level { get; init; }

    /// <summary>All rows; null where nothing served before.</summary>
    public GateCheck? Total { get; init; }

    /// <summary>The rows of each gold label; null where nothing served before, or the task has no one closed set.</summary>
    public IReadOnlyDictionary<string, GateCheck>? Classes { get; init; }

    /// <summary>Compares two students' answers to the same rows.</summary>
    /// <param name="task">The task; one of kind labels is compared class by class, too.</param>
    /// <param name="candidate">The new student's answers.</param>
    /// <param name="serving">The answers of the one that serves; null: nothing serves.</param>
    /// <param name="level">The level of each test.</param>
    internal static GateResult Of(TaskSpec task, TestAnswers candidate, TestAnswers? serving, double level)
    {
        if (serving is null) return new GateResult { Passed = true, Level = level };
        var pairs = candidate.Rows.Zip(serving.Rows).ToList();
        GateCheck Check(IEnumerable<(TestAnswers.Row New, TestAnswers.Row Old)> rows)
        {
            var (count, won, lost) = (0, 0, 0);
            foreach (var (mine, other) in rows)
            {
                count++;
                if (mine.Right && !other.Right) won++;
                else if (other.Right && !mine.Right) lost++;
            }

            // Half of the two-sided value is the tail on the side where the new one lost more.
            var p = lost > won ? McNemar.ExactP(won, lost) / 2 : 1;
            return new GateCheck { Rows = count, OnlyNewRight = won, OnlyServingRight = lost, P = p, Worse = p < level };
        }

        var total = Check(pairs);
        var classes = task.Kind == TaskKind.Labels
            ? task.Labels!.ToDictionary(l => l, l => Check(pairs.Where(p => p.First.Gold == l)), StringComparer.Ordinal)
            : null;
        return new GateResult
        {
            Passed = !total.Worse && classes?.Values.Any(c => c.Worse) != true,
            Level = level,
            Total = total,
            Classes = classes,
        };
    }

    /// <summary>What refuses the student, in words; empty where nothing does.</summary>
    internal string Reason()
    {
        static string Words(string rows, GateCheck check) => string.Create(
            CultureInfo.InvariantCulture, $"{rows}: {check.OnlyServingRight} lost, {check.OnlyNewRight} won (p = {check.P:0.####})");
        var worse = (Classes ?? new Dictionary<string, GateCheck>())
            .Where(c => c.Value.Worse).Select(c => Words($"class \"{c.Key}\"", c.Value));
        return string.Join("; ", Total is { Worse: true } total ? worse.Prepend(Words("all rows", total)) : worse);
    }
}
