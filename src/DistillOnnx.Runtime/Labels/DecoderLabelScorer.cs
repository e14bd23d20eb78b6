using DistillOnnx.Core.Labels;
using DistillOnnx.Core.T5;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.Runtime.Prediction;
using DistillOnnx.Runtime.Sessions;

namespace DistillOnnx.Runtime.Labels;

/// <summary>
/// Scores a closed set with the encoder and decoder graphs, for bundles without a label graph and to check those that have
/// one: the trie's paths are fed to the decoder, and at each branching the softmax runs over the children's logits alone.
/// </summary>
internal sealed class DecoderLabelScorer : ILabelScorer
{
    private readonly TextGenerator _generator;
    private readonly T5Config _config;
    private readonly TriePaths? _shared;

    /// <summary>Creates the scorer.</summary>
    /// <param name="generator">Holds the graphs.</param>
    /// <param name="config">Shape of the model.</param>
    /// <param name="labels">The closed set of all rows; null where each row brings its own.</param>
    public DecoderLabelScorer(TextGenerator generator, T5Config config, LabelTrie? labels)
    {
        _generator = generator;
        _config = config;
        _shared = labels is null ? null : TriePaths.Of(labels, config.DecoderStartTokenId);
    }

    public IReadOnlyList<double[]> Score(IReadOnlyList<EncodedInput> rows, CancellationToken cancellationToken = default)
    {
        var paths = new TriePaths[rows.Count];
        for (var row = 0; row < paths.Length; row++) paths[row] = _shared ?? TriePaths.Of(rows[row].Trie!, _config.DecoderStartTokenId);
        using var run = new GraphRun(cancellationToken);
        using var batch = new TokenBatch([.. rows.Select(r => r.Tokens)], _config.PadTokenId, _generator.Encoder.Shapes);
        using var states = _generator.Encoder.Encode(run, batch.InputIds, batch.AttentionMask);
        var children = new Dictionary<int, double[]>[rows.Count];
        for (var row = 0; row < children.Length; row++) children[row] = [];
        for (var path = 0; path < paths.Max(p => p.Sequences.Length); path++)
        {
            // A row with fewer paths repeats its first one, whose logits are then not looked at.
            var sequences = Array.ConvertAll(paths, p => p.Sequences[path < p.Sequences.Length ? path : 0]);
            using var tokens = new TokenBatch(sequences, _config.PadTokenId);
            using var logits = _generator.Decoder.Start(run, tokens.InputIds, states, batch.AttentionMask, state: null);
            var values = Floats.Of(logits);
            for (var row = 0; row < paths.Length; row++)
            {
                foreach (var node in paths[row].Trie.Branchings)
                {
                    if (paths[row].SequenceOf[node.Index] != path) continue;
                    var at = values.Slice(((row * tokens.Length) + node.Depth) * _config.VocabSize, _config.VocabSize);
                    var chosen = new double[node.ChildTokens.Count];
                    for (var i = 0; i < chosen.Length; i++) chosen[i] = at[node.ChildTokens[i]];
                    children[row][node.Index] = Softmax.Log(chosen);
                }
            }
        }

        var scores = new double[rows.Count][];
        for (var row = 0; row < scores.Length; row++) scores[row] = paths[row].Labels(children[row]);
        return scores;
    }
}
