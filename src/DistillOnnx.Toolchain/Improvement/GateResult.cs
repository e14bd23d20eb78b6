using System.Globalization;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>
/// Whether a new student may take the place of the one that serves: it is refused where the exact one-sided test over paired answers
/// says, at the level, that it is worse on all rows, or on the rows of a class and not better at telling the class from the others.
/// </summary>
/// <remarks>
/// The second half matters where what serves answers one label to nearly all rows: no student could have more of that label's rows.
/// </remarks>
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
        GateCheck Class(string label)
        {
            var check = Check([.. pairs.Where(p => p.First.Gold == label)], r => r.Right, level);
            if (!check.Worse) return check;
            var apart = Check(pairs, r => (r.Answer == label) == (r.Gold == label), level);
            return check with { Worse = Tail(apart.OnlyNewRight, apart.OnlyServingRight) >= level, Apart = apart };
        }

        var total = Check(pairs, r => r.Right, level);
        var classes = task.Kind == TaskKind.Labels ? task.Labels!.ToDictionary(l => l, Class, StringComparer.Ordinal) : null;
        return new GateResult
        {
            Passed = !total.Worse && classes?.Values.Any(c => c.Worse) != true,
            Level = level,
            Total = total,
            Classes = classes,
        };
    }

    private static GateCheck Check(
        IReadOnlyList<(TestAnswers.Row New, TestAnswers.Row Old)> rows, Func<TestAnswers.Row, bool> isRight, double level)
    {
        var won = rows.Count(r => isRight(r.New) && !isRight(r.Old));
        var lost = rows.Count(r => isRight(r.Old) && !isRight(r.New));
        var p = Tail(lost, won);
        return new GateCheck { Rows = rows.Count, OnlyNewRight = won, OnlyServingRight = lost, P = p, Worse = p < level };
    }

    /// <summary>How likely at least so many on one side are where both sides are equally likely: half of the two-sided value.</summary>
    private static double Tail(int more, int fewer) => more > fewer ? McNemar.ExactP(fewer, more) / 2 : 1;

    /// <summary>What refuses the student, in words; empty where nothing does.</summary>
    internal string Reason()
    {
        static string Words(string rows, GateCheck check) => string.Create(
            CultureInfo.InvariantCulture,
            $"{rows}: {check.OnlyServingRight} lost, {check.OnlyNewRight} won (p {(check.P < 1e-4 ? "< 0.0001" : $"= {check.P:0.####}")})");
        var worse = (Classes ?? new Dictionary<string, GateCheck>())
            .Where(c => c.Value.Worse).Select(c => Words($"class \"{c.Key}\"", c.Value));
        return string.Join("; ", Total is { Worse: true } total ? worse.Prepend(Words("all rows", total)) : worse);
    }
}
