using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Selection;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>
/// Chooses rows of a pool: one pass over it for the uncertainty of every row, one for the states of a shortlist, one for the rows
/// taken. Batches are always of the same rows, so that what a student answers does not depend on the machine's memory or threads.
/// </summary>
/// <param name="options">Which rows.</param>
/// <param name="pool">The pool.</param>
/// <param name="predictor">The student; null where none is asked.</param>
/// <param name="reporter">Receives progress.</param>
internal sealed class Selector(SelectOptions options, Pool pool, IPredictor? predictor, IReporter reporter)
{
    /// <summary>Rows that go to the student at once.</summary>
    public const int DefaultBatch = 256;

    private readonly Dictionary<long, double> _uncertainty = [];
    private double _sum;
    private long _asked;

    /// <summary>Rows that go to the student at once.</summary>
    public int Batch { get; init; } = DefaultBatch;

    private SelectionOptions Selection => options.Selection;

    /// <summary>Chooses the rows.</summary>
    /// <param name="log">Scores of an earlier run, and where they go; null where no student is asked.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>The rows, best first, and the figures.</returns>
    public (IReadOnlyList<SelectedRow> Rows, SelectResult Result) Run(ScoreLog? log, CancellationToken cancellationToken)
    {
        var kept = new TopRows(Selection.ReadsStates ? Selection.ShortlistOf(options.Count) : options.Count);
        if (log is null) Draw(kept, cancellationToken);
        else Score(kept, log, cancellationToken);
        var shortlist = kept.InOrder();
        foreach (var row in log is null ? [] : shortlist) _uncertainty.Add(row.Row, row.Score);
        var (taken, reasons, centers) = Selection.ReadsStates ? Cover(shortlist, cancellationToken) : (shortlist, null, 0);
        var rows = Collect(taken, reasons, cancellationToken);
        return (rows, Figures(rows, Selection.ReadsStates ? shortlist.Count : null, Selection.ReadsStates ? centers : null));
    }

    private void Draw(TopRows kept, CancellationToken cancellationToken)
    {
        var done = 0L;
        foreach (var row in pool.Distinct())
        {
            cancellationToken.ThrowIfCancellationRequested();
            kept.Add(new Candidate(row.Position, 0, row.Tie));
            if (++done % Batch == 0) reporter.Progress("select", done, null);
        }
    }

    private void Score(TopRows kept, ScoreLog log, CancellationToken cancellationToken)
    {
        if (log.Rows > 0) reporter.Info($"{log.Rows} rows have been looked at by an earlier run");
        void Keep(PoolRow row, double score)
        {
            kept.Add(new Candidate(row.Position, score, row.Tie));
            _sum += score;
            _asked++;
        }

        foreach (var rows in pool.Distinct().Chunk(Batch))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_asked < log.Rows)
            {
                foreach (var row in rows) Keep(row, log.Next());
                continue;
            }

            var answers = Ask([.. rows.Select(r => r.Example)], cancellationToken);
            var scores = Array.ConvertAll(answers, a => Uncertainty.Of(a, Selection.Measure));
            log.Append(scores);
            for (var i = 0; i < rows.Length; i++) Keep(rows[i], scores[i]);
            reporter.Progress("select", _asked, null);
        }
    }

    private (IReadOnlyList<Candidate> Taken, IReadOnlyList<SelectedRow>? Reasons, int Centers) Cover(
        IReadOnlyList<Candidate> shortlist, CancellationToken cancellationToken)
    {
        if (shortlist.Count == 0) return ([], [], 0);
        var states = new RowStates(predictor!, Batch, reporter);
        var (found, ids) = states.Of(pool, shortlist, cancellationToken);
        var centers = pool.Centers(Selection.ShortlistOf(options.Count), cancellationToken);
        var cover = new KCenter(found, Selection.By == SelectionRule.Both ? [.. shortlist.Select(c => c.Score)] : null);
        var count = Math.Min(options.Count, shortlist.Count);
        var picks = cover.Take(
            count, states.Of(centers, cancellationToken), n => reporter.Progress("cover", n, count), cancellationToken);
        var covered = cover.Covered;
        var reasons = picks.Select(pick => new SelectedRow
        {
            // Put in when the rows are read again.
            Example = null!,
            Distance = pick.Distance,
            Nearest = pick.Nearest is not { } nearest ? null : nearest < 0 ? centers[-1 - nearest].Id : ids[nearest],
            Covers = covered.GetValueOrDefault(pick.Index),
        });
        return ([.. picks.Select(p => shortlist[p.Index])], [.. reasons], centers.Count);
    }

    private List<SelectedRow> Collect(
        IReadOnlyList<Candidate> taken, IReadOnlyList<SelectedRow>? reasons, CancellationToken cancellationToken)
    {
        var places = taken.Index().ToDictionary(c => c.Item.Row, c => c.Index);
        var examples = new Example[taken.Count];
        foreach (var row in pool.All().Where(r => places.ContainsKey(r.Position)).Take(places.Count))
        {
            cancellationToken.ThrowIfCancellationRequested();
            examples[places[row.Position]] = row.Example;
        }

        var asks = predictor is not null && pool.Task.Kind != TaskKind.Text;
        var answers = asks ? examples.Chunk(Batch).SelectMany(rows => Ask(rows, cancellationToken)).ToList() : null;
        return [.. examples.Select((example, i) => (reasons?[i] ?? new SelectedRow { Example = example }) with
        {
            Example = example,
            Uncertainty = _uncertainty.TryGetValue(taken[i].Row, out var score) ? score : null,
            Answer = answers?[i].Label,
            Probability = answers?[i].Probability,
        })];
    }

    private LabelPrediction[] Ask(Example[] rows, CancellationToken cancellationToken)
    {
        PredictorInput Input(Example row) => new(row.Input, pool.Task.Kind == TaskKind.Choices ? row.Choices : null);
        return [.. RowFailure.Named(rows, r => predictor!.Predict([.. r.Select(Input)], cancellationToken))];
    }

    private SelectResult Figures(List<SelectedRow> rows, int? shortlist, int? centers) => new()
    {
        Dataset = Path.GetFullPath(options.Out),
        Rows = pool.Counts.Rows,
        Repeated = pool.Counts.Repeated,
        Annotated = pool.Counts.Annotated,
        Selected = rows.Count,
        By = Selection.By,
        Measure = Selection.ReadsProbabilities ? Selection.Measure : null,
        Shortlist = shortlist,
        Centers = centers,
        PoolUncertainty = _asked > 0 ? _sum / _asked : null,
        SelectedUncertainty = Selection.ReadsProbabilities && rows.Count > 0 ? rows.Average(r => r.Uncertainty!.Value) : null,
        Answers = predictor is not null && pool.Task.Kind == TaskKind.Labels
            ? pool.Task.Labels!.ToDictionary(l => l, l => rows.Count(r => r.Answer == l), StringComparer.Ordinal)
            : null,
    };
}
