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
    /// <param name="power">The power of a class's number of rows that its share is in proportion to; 1: every row is drawn once an
    /// epoch.</param>
    public DatasetRows(IReadOnlyList<TrainingRow> rows, int rowsPerStep, int window, long seed, double power)
    {
        _rows = rows;
        var sampler = power == 1 ? null : new ClassSampler([.. rows.Select(r => r.Label)], power);
        _order = new BatchOrder([.. rows.Select(r => r.Tokens)], rowsPerStep, window, seed, sampler);
    }

    /// <summary>Steps of an epoch, which is as many rows as there are.</summary>
    public int StepsPerEpoch => _order.StepsPerEpoch;

    /// <inheritdoc/>
    public IReadOnlyList<TrainingRow> Rows(int step) => [.. _order.Rows(step).Select(r => _rows[r])];
}
