using DistillOnnx.Data;

namespace DistillOnnx.Teacher.Rows;

/// <summary>Stops a run whose first answers are all unusable, and shows three of them, before every row is asked.</summary>
internal sealed class UnusableAnswers
{
    /// <summary>How many unusable answers, and no other ones, stop a run.</summary>
    public const int Most = 20;

    private const int Shown = 3;
    private const int LongestShown = 300;
    private readonly Lock _lock = new();
    private readonly List<string> _first = [];
    private int _unusable;
    private bool _usable;

    /// <summary>Notes what became of a row.</summary>
    /// <exception cref="TeacherException">Too many rows, and no other ones, gave answers that cannot be used.</exception>
    public void Note(Example example, RowOutcome outcome)
    {
        lock (_lock)
        {
            _usable |= outcome.Label is not null;
            if (_usable || outcome.Verdict is not (RowVerdict.Unparsable or RowVerdict.Cut)) return;
            if (_first.Count < Shown) _first.Add($"{example.Id}: {outcome.Fault}: \"{Shorten(outcome.RawAnswer ?? "")}\"");
            if (++_unusable < Most) return;
        }

        throw new TeacherException(TeacherFault.Fatal, $"none of the first {Most} answers can be used: {string.Join(" | ", _first)}")
        {
            Unusable = true,
        };
    }

    private static string Shorten(string text)
    {
        text = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
        return text.Length <= LongestShown ? text : text[..LongestShown] + "…";
    }
}
