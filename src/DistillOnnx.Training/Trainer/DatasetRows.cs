using DistillOnnx.Training.MicroBatches;

namespace DistillOnnx.Training.Trainer;

/// <summary>Rows of a dataset in the order of their epochs.</summary>
internal sealed class DatasetRows : ITrainingRows
{
    private readonly IReadOnlyList<TrainingRow> _rows;
    private readonly BatchOrder _order;

    /// <param name="rows">All rows.</param>
    /// <param name="rowsPerStep">Rows of a step.</param>
    /// <param name="window">Steps among which rows of like length are put together.</param>
    /// <param name="seed">Seed of the order.</param>
    public DatasetRows(IReadOnlyList<TrainingRow> rows, int rowsPerStep, int window, long seed)
    {
        _rows = rows;
        _order = new BatchOrder([.. rows.Select(r => r.Tokens)], rowsPerStep, window, seed);
    }

    /// <summary>Steps that see every row once.</summary>
    public int StepsPerEpoch => _order.StepsPerEpoch;

    /// <inheritdoc/>
    public IReadOnlyList<TrainingRow> Rows(int step) => [.. _order.Rows(step).Select(r => _rows[r])];
}
