using System.Text.RegularExpressions;

namespace DistillOnnx.Training.Optimizers;

/// <summary>
/// Parameters that are alike: the same one of one block after another, which lie at equal distances in flat memory. As one view with a
/// further dimension they are updated together, so that a step has as many operations however deep a model is.
/// </summary>
internal static partial class ParameterGroups
{
    /// <summary>Finds the groups.</summary>
    /// <param name="names">The parameters' names, in their order in memory, where they lie end to end.</param>
    /// <param name="shapes">Their shapes: [rows] or [rows, columns].</param>
    public static IReadOnlyList<ParameterGroup> Of(IReadOnlyList<string> names, IReadOnlyList<long[]> shapes)
    {
        var alike = new Dictionary<string, List<ParameterGroup>>(StringComparer.Ordinal);
        var groups = new List<List<ParameterGroup>>();
        long offset = 0, row = 0, column = 0;
        for (var i = 0; i < names.Count; i++)
        {
            var one = new ParameterGroup(1, shapes[i], offset, 0, row, 0, column, 0);
            var key = $"{BlockNumber().Replace(names[i], "block.")} {string.Join(',', shapes[i])}";
            if (!alike.TryGetValue(key, out var found)) groups.Add(alike[key] = found = []);
            if (found.Count > 0 && found[^1].Followed(one) is { } longer) found[^1] = longer;
            else found.Add(one);
            offset += shapes[i].Aggregate(1L, (a, b) => a * b);
            row += shapes[i][0];
            column += shapes[i].Length == 2 ? shapes[i][1] : 0;
        }

        return [.. groups.SelectMany(g => g)];
    }

    [GeneratedRegex(@"block\.\d+\.")]
    private static partial Regex BlockNumber();
}
