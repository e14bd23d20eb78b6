using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>The states of a shortlist's rows, which fit in memory, read out of a pool that need not.</summary>
/// <param name="predictor">The student.</param>
/// <param name="batch">Rows that go to it at once.</param>
/// <param name="reporter">Receives progress.</param>
internal sealed class RowStates(IPredictor predictor, int batch, IReporter reporter)
{
    private readonly IEmbedder _embedder = predictor as IEmbedder
        ?? throw new InputException($"task \"{predictor.Task.Name}\": this model does not show its encoder's states");

    /// <summary>Of rows of the pool.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="shortlist">The rows.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>A state a row, and the rows' ids, in the shortlist's order.</returns>
    public (float[][] States, string[] Ids) Of(Pool pool, IReadOnlyList<Candidate> shortlist, CancellationToken cancellationToken)
    {
        var places = shortlist.Index().ToDictionary(c => c.Item.Row, c => c.Index);
        var (states, ids) = (new float[shortlist.Count][], new string[shortlist.Count]);
        var done = 0;
        // In the pool's order, so that what is in a batch does not depend on the order of the shortlist.
        foreach (var rows in pool.All().Where(r => places.ContainsKey(r.Position)).Take(places.Count).Chunk(batch))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var found = Embed([.. rows.Select(r => r.Example)], cancellationToken);
            for (var i = 0; i < rows.Length; i++)
            {
                var place = places[rows[i].Position];
                (states[place], ids[place]) = (found[i], rows[i].Example.Id);
            }

            reporter.Progress("encode", done += rows.Length, shortlist.Count);
        }

        return (states, ids);
    }

    /// <summary>Of rows at hand.</summary>
    public IReadOnlyList<float[]> Of(IReadOnlyList<Example> rows, CancellationToken cancellationToken) =>
        [.. rows.Chunk(batch).SelectMany(r => Embed(r, cancellationToken))];

    private IReadOnlyList<float[]> Embed(Example[] rows, CancellationToken cancellationToken) =>
        RowFailure.Named(rows, r => _embedder.Embed([.. r.Select(e => new PredictorInput(e.Input))], cancellationToken));
}
