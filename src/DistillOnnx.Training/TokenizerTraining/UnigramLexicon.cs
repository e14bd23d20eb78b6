using System.Text;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Training.TokenizerTraining;

/// <summary>Pieces with their log-probabilities, improved and pruned against the words of a text.</summary>
internal sealed class UnigramLexicon
{
    /// <summary>Pieces expected less often than this are dropped at once.</summary>
    private const double LeastCount = 0.5;

    private readonly (byte[] Text, long Count)[] _words;
    private readonly HashSet<string> _required;
    private List<Piece> _pieces;

    /// <summary>Starts from seeds.</summary>
    /// <param name="words">The text's words.</param>
    /// <param name="seeds">Pieces and first scores.</param>
    public UnigramLexicon(WordTable words, List<Piece> seeds)
    {
        _words = [.. words.Words.Select(w => (Encoding.UTF8.GetBytes(w.Text), w.Count))];
        _required = words.Characters.ToHashSet(StringComparer.Ordinal);
        _pieces = seeds;
    }

    /// <summary>The pieces now.</summary>
    public IReadOnlyList<Piece> Pieces => _pieces;

    /// <summary>One round of expectation–maximisation, with the digamma function as sparsity-inducing prior (Kudo 2018, §3.2).</summary>
    /// <param name="cancellationToken">Stops within a round.</param>
    public void Improve(CancellationToken cancellationToken)
    {
        var lattice = new WordLattice(_pieces);
        var expected = new double[_pieces.Count];
        for (var i = 0; i < _words.Length; i++)
        {
            if ((i & 0xFF) == 0) cancellationToken.ThrowIfCancellationRequested();
            lattice.AddExpected(_words[i].Text, _words[i].Count, expected);
        }

        var kept = new List<(string Text, double Count)>(_pieces.Count);
        for (var id = 0; id < _pieces.Count; id++)
        {
            if (expected[id] >= LeastCount) kept.Add((_pieces[id].Text, expected[id]));
        }

        var total = Digamma(kept.Sum(k => k.Count));
        _pieces = [.. kept.Select(k => new Piece(k.Text, (float)(Digamma(k.Count) - total), PieceType.Normal))];
    }

    /// <summary>Keeps the pieces whose loss would cost the text the most likelihood; single characters always stay.</summary>
    /// <param name="size">Pieces to keep.</param>
    /// <param name="cancellationToken">Stops within the round.</param>
    public void Prune(int size, CancellationToken cancellationToken)
    {
        var lattice = new WordLattice(_pieces);
        var uses = new double[_pieces.Count];
        var path = new List<int>();
        for (var i = 0; i < _words.Length; i++)
        {
            if ((i & 0xFF) == 0) cancellationToken.ThrowIfCancellationRequested();
            path.Clear();
            lattice.Best(_words[i].Text, skipped: -1, path);
            foreach (var id in path)
            {
                if (id >= 0) uses[id] += _words[i].Count;
            }
        }

        var all = uses.Sum();
        var ranked = new List<(int Id, double Loss)>();
        for (var id = 0; id < _pieces.Count; id++)
        {
            if (_required.Contains(_pieces[id].Text))
            {
                ranked.Add((id, double.PositiveInfinity));
                continue;
            }

            path.Clear();
            var instead = lattice.Best(Encoding.UTF8.GetBytes(_pieces[id].Text), skipped: id, path);
            if (uses[id] == 0 || instead >= _pieces[id].Score) continue;

            // Without the piece its uses go to the pieces that spell it.
            var without = Math.Log(all + (uses[id] * (path.Count - 1)));
            var loss = Math.Log(uses[id]) - Math.Log(all);
            foreach (var other in path) loss -= Math.Log((other < 0 ? 0 : uses[other]) + uses[id]) - without;
            ranked.Add((id, uses[id] / all * loss));
        }

        _pieces =
        [
            .. ranked.OrderByDescending(r => r.Loss).ThenBy(r => _pieces[r.Id].Text, StringComparer.Ordinal).Take(size)
                .Select(r => _pieces[r.Id]),
        ];
    }

    /// <summary>The derivative of log Γ, by recurrence and its asymptotic series.</summary>
    private static double Digamma(double x)
    {
        var result = 0.0;
        for (; x < 7; x++) result -= 1 / x;
        x -= 0.5;
        var square = 1 / (x * x);
        return result + Math.Log(x) + (square * ((1.0 / 24) - (square * ((7.0 / 960) - (square * (31.0 / 8064))))));
    }
}
