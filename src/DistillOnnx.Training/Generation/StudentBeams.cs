using DistillOnnx.Core.T5;

namespace DistillOnnx.Training.Generation;

/// <summary>
/// The bookkeeping of beam search for one input, step by step that of transformers' <c>BeamSearchScorer</c>, whose answers
/// it must give: finished sequences compete by their mean log-probability, the start token counted and the end token not.
/// </summary>
internal sealed class StudentBeams
{
    private readonly int _beams;
    private readonly T5Config _config;
    private readonly List<(double Score, int[] Tokens)> _finished = [];
    private List<int>[] _open;
    private double _worst = 1e9;

    public StudentBeams(int beams, T5Config config)
    {
        _beams = beams;
        _config = config;
        _open = [.. Enumerable.Range(0, beams).Select(_ => new List<int> { config.DecoderStartTokenId })];

        // All beams start alike; only the first may win the first step.
        Scores = [.. Enumerable.Range(0, beams).Select(i => i == 0 ? 0f : -1e9f)];
        Origins = [.. Enumerable.Range(0, beams)];
    }

    /// <summary>Log-probability of each open beam.</summary>
    public float[] Scores { get; private set; }

    /// <summary>For each open beam, the beam of the step before that it goes on from.</summary>
    public int[] Origins { get; private set; }

    /// <summary>Whether no open beam can beat the finished ones.</summary>
    public bool IsDone { get; private set; }

    /// <summary>What each open beam's decoder reads next.</summary>
    public IEnumerable<long> LastTokens => _open.Select(t => (long)(IsDone ? _config.PadTokenId : t[^1]));

    /// <summary>Takes one step.</summary>
    /// <param name="scores">Log-probabilities of the best continuations, the best first.</param>
    /// <param name="indices">Which they are: beam · vocabulary size + token.</param>
    public void Advance(ReadOnlySpan<float> scores, ReadOnlySpan<long> indices)
    {
        if (IsDone) return;
        var open = new List<List<int>>(_beams);
        var (nextScores, origins) = (new float[_beams], new int[_beams]);
        var length = _open[0].Count;
        for (var rank = 0; rank < scores.Length && open.Count < _beams; rank++)
        {
            var (beam, token) = ((int)(indices[rank] / _config.VocabSize), (int)(indices[rank] % _config.VocabSize));
            if (_config.IsEnd(token))
            {
                if (rank < _beams) Finish([.. _open[beam], token], length, scores[rank]);
                continue;
            }

            (nextScores[open.Count], origins[open.Count]) = (scores[rank], beam);
            open.Add([.. _open[beam], token]);
        }

        // A vocabulary smaller than twice the beams may leave fewer continuations than beams.
        while (open.Count < _beams)
        {
            (nextScores[open.Count], origins[open.Count]) = (-1e9f, 0);
            open.Add([.. _open[0], _config.PadTokenId]);
        }

        _open = [.. open];
        Scores = nextScores;
        Origins = origins;
        IsDone = _finished.Count >= _beams && _worst >= scores[0] / (double)length;
        if (IsDone)
        {
            Scores = new float[_beams];
            Origins = [.. Enumerable.Range(0, _beams)];
        }
    }

    /// <summary>The best sequence, without the start token. Open beams compete as they are, unless the search was done.</summary>
    public int[] Best()
    {
        if (!IsDone)
        {
            for (var i = 0; i < _beams; i++) Finish([.. _open[i]], _open[i].Count, Scores[i]);
        }

        // Among equals the one found last, as a stable ascending sort leaves it.
        var best = _finished[0];
        foreach (var candidate in _finished)
        {
            if (candidate.Score >= best.Score) best = candidate;
        }

        return best.Tokens[1..];
    }

    private void Finish(int[] tokens, int length, float sum)
    {
        var score = sum / (double)length;
        if (_finished.Count >= _beams && score <= _worst) return;
        _finished.Add((score, tokens));
        if (_finished.Count <= _beams)
        {
            _worst = Math.Min(_worst, score);
            return;
        }

        var lowest = _finished.MinBy(f => f.Score);
        _finished.Remove(lowest);
        _worst = _finished.Min(f => f.Score);
    }
}
