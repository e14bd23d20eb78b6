using System.Runtime.InteropServices;
using System.Text;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Training.TokenizerTraining;

/// <summary>All segmentations of a word into the pieces of a lexicon.</summary>
internal sealed class WordLattice
{
    private const double UnknownPenalty = 10;

    private readonly PieceTrie _trie;
    private readonly double[] _scores;
    private readonly double _unknown;
    private readonly List<Edge> _edges = [];
    private double[] _forward = [];
    private double[] _backward = [];
    private int[] _via = [];

    /// <summary>Creates the lattice of a lexicon.</summary>
    /// <param name="pieces">Distinct pieces with scores.</param>
    public WordLattice(IReadOnlyList<Piece> pieces)
    {
        _trie = PieceTrie.Build(
            [.. pieces.Select(p => Encoding.UTF8.GetBytes(p.Text))], [.. Enumerable.Range(0, pieces.Count)], "tokenizer");
        _scores = [.. pieces.Select(p => (double)p.Score)];
        _unknown = _scores.DefaultIfEmpty(0).Min() - UnknownPenalty;
    }

    /// <summary>Adds how often each piece is expected in a word, over all its segmentations.</summary>
    /// <param name="word">UTF-8.</param>
    /// <param name="count">How often the word occurs.</param>
    /// <param name="expected">Per piece; added to.</param>
    public void AddExpected(ReadOnlySpan<byte> word, long count, Span<double> expected)
    {
        FindEdges(word, skipped: -1);
        var edges = CollectionsMarshal.AsSpan(_edges);
        Reset(ref _forward, word.Length);
        Reset(ref _backward, word.Length);
        _forward[0] = 0;
        _backward[word.Length] = 0;
        foreach (var edge in edges) _forward[edge.To] = LogAdd(_forward[edge.To], _forward[edge.From] + edge.Score);
        for (var i = edges.Length - 1; i >= 0; i--)
            _backward[edges[i].From] = LogAdd(_backward[edges[i].From], _backward[edges[i].To] + edges[i].Score);

        var total = _forward[word.Length];
        foreach (var edge in edges)
        {
            if (edge.Piece >= 0) expected[edge.Piece] += count * Math.Exp(_forward[edge.From] + edge.Score + _backward[edge.To] - total);
        }
    }

    /// <summary>Finds the most probable segmentation.</summary>
    /// <param name="word">UTF-8.</param>
    /// <param name="skipped">A piece that may not be used, or −1.</param>
    /// <param name="path">Receives the pieces, last first; −1 for an unknown character.</param>
    /// <returns>Its log-probability.</returns>
    public double Best(ReadOnlySpan<byte> word, int skipped, List<int> path)
    {
        FindEdges(word, skipped);
        var edges = CollectionsMarshal.AsSpan(_edges);
        Reset(ref _forward, word.Length);
        if (_via.Length <= word.Length) _via = new int[word.Length + 1];
        _forward[0] = 0;
        for (var i = 0; i < edges.Length; i++)
        {
            var score = _forward[edges[i].From] + edges[i].Score;
            if (score <= _forward[edges[i].To]) continue;
            _forward[edges[i].To] = score;
            _via[edges[i].To] = i;
        }

        for (var at = word.Length; at > 0; at = edges[_via[at]].From) path.Add(edges[_via[at]].Piece);
        return _forward[word.Length];
    }

    /// <summary>Edges in the order of where they begin. Where no piece is a character by itself, the character is unknown.</summary>
    private void FindEdges(ReadOnlySpan<byte> word, int skipped)
    {
        _edges.Clear();
        var slots = _trie.Slots;
        for (var from = 0; from < word.Length;)
        {
            Rune.DecodeFromUtf8(word[from..], out _, out var width);
            var single = false;
            var node = slots[0];
            for (var at = from; at < word.Length; at++)
            {
                node = slots[(int)(node.Link >> 8) ^ word[at]];
                if ((byte)node.Link != word[at]) break;
                if (node.Value < 0 || node.Value == skipped) continue;
                _edges.Add(new Edge(from, at + 1, node.Value, _scores[node.Value]));
                single |= at + 1 == from + width;
            }

            if (!single) _edges.Add(new Edge(from, from + width, -1, _unknown));
            from += width;
        }
    }

    private static void Reset(ref double[] values, int length)
    {
        if (values.Length <= length) values = new double[length + 1];
        values.AsSpan(0, length + 1).Fill(double.NegativeInfinity);
    }

    private static double LogAdd(double a, double b)
    {
        if (a < b) (a, b) = (b, a);
        return double.IsNegativeInfinity(b) ? a : a + Math.Log(1 + Math.Exp(b - a));
    }

    private readonly record struct Edge(int From, int To, int Piece, double Score);
}
