namespace DistillOnnx.Toolchain.Study;

/// <summary>What a run of the study gave: one row of its table.</summary>
public sealed record StudyRun
{
    /// <summary>The dataset's name.</summary>
    public required string Data { get; init; }

    /// <summary>The student's name.</summary>
    public required string Student { get; init; }

    /// <summary>The method.</summary>
    public required string Method { get; init; }

    /// <summary>Share of the training rows.</summary>
    public required double Fraction { get; init; }

    /// <summary>Seed.</summary>
    public required long Seed { get; init; }

    /// <summary>Rows trained on.</summary>
    public int TrainRows { get; init; }

    /// <summary>Weights of the student.</summary>
    public long Parameters { get; init; }

    /// <summary>Rows measured on.</summary>
    public int Rows { get; init; }

    /// <summary>Accuracy on the measured split, a fraction of one.</summary>
    public double Accuracy { get; init; }

    /// <summary>Right answers and rows of each part of the measured rows, where they have parts.</summary>
    public IReadOnlyDictionary<string, StudyPart>? Parts { get; init; }

    /// <summary>Accuracy on the validation rows, by which the checkpoint was chosen.</summary>
    public double? ValidationAccuracy { get; init; }

    /// <summary>The step of the checkpoint.</summary>
    public int BestStep { get; init; }

    /// <summary>Steps trained.</summary>
    public int Steps { get; init; }

    /// <summary>Tokens trained on.</summary>
    public long Tokens { get; init; }

    /// <summary>Whether it stopped because its accuracy had ceased to rise, and not because its steps were done.</summary>
    public bool Converged { get; init; }

    /// <summary>Seconds of training.</summary>
    public double Seconds { get; init; }

    /// <summary>Tokens a second.</summary>
    public double TokensPerSecond { get; init; }

    /// <summary>The run as a row of the table, and one more for each part, named as a dataset.</summary>
    internal IEnumerable<StudyRun> Rowwise() =>
    [
        this with { Parts = null },
        .. (Parts ?? new Dictionary<string, StudyPart>()).OrderBy(p => p.Key, StringComparer.Ordinal).Select(
            p => this with { Data = p.Key, Rows = p.Value.Rows, Accuracy = (double)p.Value.Right / p.Value.Rows, Parts = null }),
    ];
}
