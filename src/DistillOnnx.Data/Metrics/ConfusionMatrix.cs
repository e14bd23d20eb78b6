namespace DistillOnnx.Data.Metrics;

/// <summary>Counts of gold labels against answers, for one closed set of labels, and the figures by class that follow.</summary>
public sealed class ConfusionMatrix
{
    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);
    private readonly int[][] _counts;
    private readonly int[] _unlisted;

    /// <summary>Creates an empty matrix.</summary>
    /// <param name="labels">The closed set; rows and columns come in this order.</param>
    /// <exception cref="ArgumentException">A label is listed twice.</exception>
    public ConfusionMatrix(IReadOnlyList<string> labels)
    {
        Labels = labels;
        foreach (var label in labels) _index.Add(label, _index.Count);
        _counts = [.. labels.Select(_ => new int[labels.Count])];
        _unlisted = new int[labels.Count];
    }

    /// <summary>The labels, in the order of rows and columns.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>A row for each gold label, a column for each answered label.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Counts => _counts;

    /// <summary>
    /// For each gold label, the answers that are none of the labels. They are no column, and count as misses of their gold label.
    /// </summary>
    public IReadOnlyList<int> Unlisted => _unlisted;

    /// <summary>Counts one answer.</summary>
    /// <param name="gold">The gold label.</param>
    /// <param name="answer">The answer; may be none of the labels.</param>
    /// <returns>False, and nothing is counted, where the gold label is none of the labels.</returns>
    public bool Add(string gold, string answer)
    {
        if (!_index.TryGetValue(gold, out var row)) return false;
        if (_index.TryGetValue(answer, out var column)) _counts[row][column]++;
        else _unlisted[row]++;
        return true;
    }

    /// <summary>Figures of each label, in the order of the labels.</summary>
    public IReadOnlyList<ClassFigures> Classes() => [.. Enumerable.Range(0, Labels.Count).Select(Figures)];

    /// <summary>How often each label was answered, in the order of the labels.</summary>
    public IReadOnlyList<int> Answered() => [.. Enumerable.Range(0, Labels.Count).Select(Column)];

    /// <summary>
    /// Mean F1 of the labels that occur, as gold or as an answer: a label that has neither says nothing about the model.
    /// 0 where there are no rows.
    /// </summary>
    public double MacroF1() => MacroF1([.. _counts.SelectMany(row => row), .. _unlisted], Labels.Count);

    /// <summary>Mean F1 of the labels weighted by their gold rows; 0 where there are no rows.</summary>
    public double WeightedF1()
    {
        var classes = Classes();
        return Ratio(classes.Sum(c => c.F1 * c.Support), classes.Sum(c => c.Support));
    }

    /// <summary><see cref="MacroF1()"/> of counts in one row: those of the matrix row by row, then the unlisted ones.</summary>
    internal static double MacroF1(ReadOnlySpan<int> counts, int labels)
    {
        var (sum, occur) = (0.0, 0);
        for (var label = 0; label < labels; label++)
        {
            var marginal = counts[(labels * labels) + label];
            for (var other = 0; other < labels; other++) marginal += counts[(label * labels) + other] + counts[(other * labels) + label];
            if (marginal == 0) continue;
            occur++;
            sum += 2.0 * counts[(label * labels) + label] / marginal;
        }

        return Ratio(sum, occur);
    }

    private static double Ratio(double part, double whole) => whole == 0 ? 0 : part / whole;

    private ClassFigures Figures(int label)
    {
        var right = _counts[label][label];
        var support = _counts[label].Sum() + _unlisted[label];
        var answered = Column(label);
        return new ClassFigures(Ratio(right, answered), Ratio(right, support), Ratio(2 * right, support + answered), support);
    }

    private int Column(int label) => _counts.Sum(row => row[label]);
}
