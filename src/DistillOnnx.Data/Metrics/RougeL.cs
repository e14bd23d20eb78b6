namespace DistillOnnx.Data.Metrics;

/// <summary>ROUGE-L (Lin 2004): how much of a text's longest common sequence of words another text shares.</summary>
public static class RougeL
{
    /// <summary>The F1 of the longest common subsequence of words, which are runs of letters and digits without their case.</summary>
    /// <param name="candidate">The text to measure.</param>
    /// <param name="reference">The text to compare with.</param>
    /// <returns>Between 0 and 1; 0 where one of the texts has no words.</returns>
    public static double F1(string candidate, string reference)
    {
        var (a, b) = (Words(candidate), Words(reference));
        if (a.Count == 0 || b.Count == 0) return 0;
        var common = CommonLength(a, b);
        return 2.0 * common / (a.Count + b.Count);
    }

    private static List<string> Words(string text)
    {
        var words = new List<string>();
        for (var at = 0; at < text.Length;)
        {
            var start = at;
            while (at < text.Length && char.IsLetterOrDigit(text[at])) at++;
            if (at > start) words.Add(text[start..at].ToLowerInvariant());
            else at++;
        }

        return words;
    }

    private static int CommonLength(List<string> a, List<string> b)
    {
        var row = new int[b.Count + 1];
        foreach (var word in a)
        {
            var diagonal = 0;
            for (var j = 1; j <= b.Count; j++)
            {
                var above = row[j];
                row[j] = word == b[j - 1] ? diagonal + 1 : Math.Max(above, row[j - 1]);
                diagonal = above;
            }
        }

        return row[^1];
    }
}
