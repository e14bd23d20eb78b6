namespace DistillOnnx.Stages.Options;

/// <summary>Finds what a mistyped name was meant to be.</summary>
public static class NearestName
{
    /// <summary>The candidate that differs least, where it differs in at most a third of the name's letters.</summary>
    /// <param name="name">What was typed. Case, and <c>_</c> for <c>-</c>, count as no difference.</param>
    /// <param name="candidates">The names that there are.</param>
    /// <returns>The nearest name; null where none is near.</returns>
    public static string? Find(string name, IEnumerable<string> candidates)
    {
        var typed = Normal(name);
        var limit = Math.Max(1, typed.Trim('-').Length / 3);
        return candidates
            .Select(c => (Name: c, Distance: Distance(typed, Normal(c))))
            .Where(c => c.Distance <= limit)
            .OrderBy(c => c.Distance)
            .Select(c => c.Name)
            .FirstOrDefault();
    }

    /// <summary>The end of a message: <c>; did you mean NAME?</c>, or nothing where no name is near.</summary>
    /// <param name="name">What was typed.</param>
    /// <param name="candidates">The names that there are.</param>
    public static string Suggest(string name, IEnumerable<string> candidates) =>
        Find(name, candidates) is { } near ? $"; did you mean {near}?" : "";

    private static string Normal(string name) => name.Replace('_', '-').ToLowerInvariant();

    /// <summary>Letters inserted, left out, replaced, or swapped with their neighbour (optimal string alignment).</summary>
    private static int Distance(string a, string b)
    {
        var table = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) table[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) table[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = table[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                table[i, j] = Math.Min(replaced, Math.Min(table[i - 1, j], table[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    table[i, j] = Math.Min(table[i, j], table[i - 2, j - 2] + 1);
            }
        }

        return table[a.Length, b.Length];
    }
}
