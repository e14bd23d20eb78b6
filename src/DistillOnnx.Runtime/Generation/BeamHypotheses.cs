namespace DistillOnnx.Runtime.Generation;

/// <summary>The best finished hypotheses of one input, at most as many as there are beams.</summary>
internal sealed class BeamHypotheses(int beams, double lengthPenalty, bool earlyStopping)
{
    private readonly List<(double Score, int[] Tokens, int? End)> _kept = [];

    private double _worst = 1e9;

    /// <summary>Offers a hypothesis.</summary>
    /// <param name="tokens">Its tokens, the start token first and the end token left out.</param>
    /// <param name="logProbability">Sum of its tokens' log-probabilities, the end token's included where it ended.</param>
    /// <param name="end">The end token; null where it did not end.</param>
    public void Add(int[] tokens, double logProbability, int? end)
    {
        var score = logProbability / Math.Pow(tokens.Length, lengthPenalty);
        if (_kept.Count >= beams && score <= _worst) return;
        _kept.Add((score, tokens, end));
        if (_kept.Count > beams) _kept.RemoveAt(IndexOfWorst());
        _worst = _kept.Count < beams ? Math.Min(_worst, score) : _kept[IndexOfWorst()].Score;
    }

    /// <summary>Whether no open hypothesis can beat the kept ones any more.</summary>
    /// <param name="best">Best log-probability among the candidates of this step.</param>
    /// <param name="length">Tokens before this step, the start token included.</param>
    public bool IsDone(double best, int length) =>
        _kept.Count >= beams && (earlyStopping || _worst >= best / Math.Pow(length, lengthPenalty));

    /// <summary>The best one; of equal ones the later.</summary>
    public (int[] Tokens, int? End) Best()
    {
        var best = 0;
        for (var i = 1; i < _kept.Count; i++)
        {
            if (_kept[i].Score >= _kept[best].Score) best = i;
        }

        return (_kept[best].Tokens, _kept[best].End);
    }

    private int IndexOfWorst()
    {
        var worst = 0;
        for (var i = 1; i < _kept.Count; i++)
        {
            if (_kept[i].Score < _kept[worst].Score) worst = i;
        }

        return worst;
    }
}
