using System.Numerics.Tensors;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>
/// Rows that cover a shortlist: greedily the one farthest from all that is taken (k-center greedy, Sener and Savarese 2018, "Active
/// Learning for Convolutional Neural Networks: A Core-Set Approach"), or with weights the one whose weight times distance is largest.
/// Distances are those of states of unit length. What comes first among equals is the order of the shortlist, so threads change nothing.
/// </summary>
internal sealed class KCenter
{
    private readonly IReadOnlyList<float[]> _states;
    private readonly IReadOnlyList<double>? _weights;
    private readonly double[] _distances;
    private readonly int[] _nearest;
    private readonly bool[] _taken;

    /// <summary>Takes a shortlist over.</summary>
    /// <param name="states">A state a row, scaled to unit length in place; all of one width.</param>
    /// <param name="weights">A weight a row, from 0; null: all weigh the same.</param>
    public KCenter(IReadOnlyList<float[]> states, IReadOnlyList<double>? weights = null)
    {
        _states = states;
        _weights = weights;
        _distances = new double[states.Count];
        _nearest = new int[states.Count];
        _taken = new bool[states.Count];
        Array.Fill(_distances, double.PositiveInfinity);
        foreach (var state in states) Normalize(state);
    }

    /// <summary>How many rows of the shortlist have each taken row for their nearest; after <see cref="Take"/>.</summary>
    public IReadOnlyDictionary<int, int> Covered => _nearest.CountBy(n => n).ToDictionary();

    /// <summary>Takes rows.</summary>
    /// <param name="count">How many.</param>
    /// <param name="centers">States of rows that are taken already, scaled to unit length in place.</param>
    /// <param name="progress">Gets how many are taken; may be null.</param>
    /// <param name="cancellationToken">Stops between rows.</param>
    /// <returns>The rows in the order in which they were taken; all where there are fewer.</returns>
    public IReadOnlyList<CenterPick> Take(
        int count, IReadOnlyList<float[]> centers, Action<int>? progress = null, CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < centers.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Normalize(centers[i]);
            Update(centers[i], -1 - i);
        }

        var picks = new List<CenterPick>();
        for (count = Math.Min(count, _states.Count); picks.Count < count;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var first = picks.Count == 0 && centers.Count == 0;
            var index = first ? First() : Farthest();
            picks.Add(first ? new CenterPick(index, null, null) : new CenterPick(index, _distances[index], _nearest[index]));
            _taken[index] = true;
            Update(_states[index], index);
            progress?.Invoke(picks.Count);
        }

        return picks;
    }

    private static void Normalize(float[] state)
    {
        var length = TensorPrimitives.Norm<float>(state);
        if (length > 0) TensorPrimitives.Divide(state, length, state);
    }

    // Where nothing is taken: the heaviest, or without weights the one nearest to the middle, and not one at the edge.
    private int First()
    {
        if (_weights is not null) return Best(i => _weights[i]);
        var middle = new float[_states[0].Length];
        foreach (var state in _states) TensorPrimitives.Add(middle, state, middle);
        return Best(i => TensorPrimitives.Dot<float>(_states[i], middle));
    }

    // Where all that is left lies on rows that are taken, weights alone decide.
    private int Farthest()
    {
        var best = Best(i => _distances[i] * (_weights?[i] ?? 1));
        return _weights is not null && _distances[best] * _weights[best] == 0 ? Best(i => _weights[i]) : best;
    }

    private int Best(Func<int, double> value)
    {
        var (best, highest) = (-1, double.NegativeInfinity);
        for (var i = 0; i < _states.Count; i++)
        {
            if (_taken[i]) continue;
            var found = value(i);
            if (best < 0 || found > highest) (best, highest) = (i, found);
        }

        return best;
    }

    private void Update(float[] center, int name) => Parallel.For(0, (_states.Count + Stripe - 1) / Stripe, stripe =>
    {
        var end = Math.Min(_states.Count, (stripe + 1) * Stripe);
        for (var i = stripe * Stripe; i < end; i++)
        {
            // A row that is taken keeps itself: rows that lie on one another would otherwise change hands.
            if (_taken[i] && i != name) continue;
            var distance = i == name ? 0 : Math.Sqrt(Math.Max(0, 2 - 2 * (double)TensorPrimitives.Dot<float>(_states[i], center)));
            if (distance >= _distances[i] && i != name) continue;
            (_distances[i], _nearest[i]) = (distance, name);
        }
    });

    private const int Stripe = 1024;
}
