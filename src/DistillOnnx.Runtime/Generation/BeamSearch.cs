using System.Numerics.Tensors;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.T5;
using DistillOnnx.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Generation;

/// <summary>
/// Beam search with the reference's rules (transformers 4.24): 2·beams candidates a step (more where several tokens end decoding,
/// as later versions have it), an end token counts only among the first beams of them, and an input is done when its worst kept
/// hypothesis beats the best candidate of the step.
/// </summary>
internal sealed class BeamSearch
{
    private readonly T5Config _config;
    private readonly int _beams;
    private readonly int _inputs;
    private readonly int _maxNewTokens;
    private readonly int _minNewTokens;
    private readonly BeamHypotheses[] _hypotheses;
    private readonly bool[] _done;
    private readonly double[] _scores;
    private readonly int[] _sources;
    private readonly (double Score, int Row, int Token)[] _candidates;
    private readonly float[] _logProbabilities;
    private List<int>[] _tokens;

    public BeamSearch(T5Config config, GenerationOptions options, int inputs)
    {
        _config = config;
        _beams = options.Beams;
        _inputs = inputs;
        _maxNewTokens = options.MaxNewTokens;
        _minNewTokens = options.MinNewTokens;
        _hypotheses =
            [.. Enumerable.Range(0, inputs).Select(_ => new BeamHypotheses(options.Beams, options.LengthPenalty, options.EarlyStopping))];
        _done = new bool[inputs];
        var rows = inputs * options.Beams;
        _scores = new double[rows];
        _sources = new int[rows];
        _tokens = [.. Enumerable.Range(0, rows).Select(_ => new List<int> { config.DecoderStartTokenId })];
        _candidates = new (double, int, int)[(1 + config.EndTokenCount) * options.Beams];
        _logProbabilities = new float[config.VocabSize];

        // All beams begin alike: only the first may branch at the first step.
        for (var row = 0; row < rows; row++) _scores[row] = row % _beams == 0 ? 0 : -1e9;
    }

    /// <summary>Decodes.</summary>
    /// <param name="decoder">The decoder.</param>
    /// <param name="run">Options of the runs.</param>
    /// <param name="states">Encoder states [inputs, sequence, d_model], in the processor's memory where tokens are chosen there.</param>
    /// <param name="batch">The inputs.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <returns>Each input's best tokens without the start token.</returns>
    public int[][] Run(DecoderGraph decoder, GraphRun run, OrtValue states, TokenBatch batch, CancellationToken cancellationToken)
    {
        var rows = _inputs * _beams;
        var repeat = new int[rows];
        for (var row = 0; row < rows; row++) repeat[row] = row / _beams;
        using var beamStates = decoder.ChoosesTokens ? decoder.GatherRows(run, states, repeat) : DecoderState.Gather(states, repeat);
        using var beamMask = RepeatMask(batch, repeat);
        using var tokens = new PooledTensor<long>(rows, 1);
        using var state = new DecoderState(_config.NumDecoderLayers);
        tokens.Span.Fill(_config.DecoderStartTokenId);
        using var choice = decoder.ChoosesTokens ? new TokenChoice(_config, _candidates.Length) : null;
        for (var step = 0; step < _maxNewTokens; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (choice is null)
            {
                using var logits = step == 0
                    ? decoder.Start(run, tokens.Value, beamStates, beamMask.Value, state, keepOnHost: true)
                    : decoder.Next(run, tokens.Value, beamStates, beamMask.Value, state, keepOnHost: true);
                Advance(logits, chosen: null, tokens.Span);
            }
            else
            {
                if (step == 0 || step == _minNewTokens) choice.MayEnd = step >= _minNewTokens;
                using var chosen = step == 0
                    ? decoder.Start(run, tokens.Value, beamStates, beamMask.Value, state, choice)
                    : decoder.Next(run, tokens.Value, beamStates, beamMask.Value, state, choice);
                Advance(logits: null, chosen, tokens.Span);
            }

            if (Array.TrueForAll(_done, d => d)) break;
            if (step + 1 == _maxNewTokens) break;
            if (choice is null) state.Reorder(_sources);
            else decoder.Reorder(run, state, _sources);
        }

        return Finish();
    }

    /// <param name="logits">[rows, 1, vocabulary]; null: the graph chose tokens.</param>
    /// <param name="chosen">The likeliest tokens of every row; null: they are looked for in the logits.</param>
    /// <param name="next">Receives the token of every row.</param>
    private void Advance(OrtValue? logits, ChosenTokens? chosen, Span<long> next)
    {
        var length = _tokens[0].Count;
        var vocabulary = _config.VocabSize;
        var scores = logits is null ? [] : Floats.Of(logits);
        var grown = new List<int>[_tokens.Length];
        var newScores = new double[_scores.Length];
        for (var input = 0; input < _inputs; input++)
        {
            var first = input * _beams;
            if (_done[input])
            {
                for (var row = first; row < first + _beams; row++)
                {
                    grown[row] = _tokens[row];
                    grown[row].Add(_config.PadTokenId);
                    _sources[row] = row;
                    next[row] = _config.PadTokenId;
                }

                continue;
            }

            var count = 0;
            for (var row = first; row < first + _beams; row++)
            {
                if (chosen is null) Collect(scores.Slice(row * vocabulary, vocabulary), row, ref count);
                else Collect(chosen, row, ref count);
            }

            var beam = first;
            for (var rank = 0; rank < count && beam < first + _beams; rank++)
            {
                var (score, row, token) = _candidates[rank];
                if (_config.IsEnd(token))
                {
                    if (rank < _beams) _hypotheses[input].Add([.. _tokens[row]], score, token);
                    continue;
                }

                grown[beam] = [.. _tokens[row], token];
                newScores[beam] = score;
                _sources[beam] = row;
                next[beam] = token;
                beam++;
            }

            for (; beam < first + _beams; beam++)
            {
                // Fewer candidates than beams happens only in vocabularies smaller than two beams.
                grown[beam] = [.. _tokens[first], _config.PadTokenId];
                newScores[beam] = double.NegativeInfinity;
                _sources[beam] = first;
                next[beam] = _config.PadTokenId;
            }

            _done[input] = _hypotheses[input].IsDone(_candidates[0].Score, length);
        }

        _tokens = grown;
        newScores.CopyTo(_scores, 0);
    }

    /// <summary>Keeps the best continuations, best first; of equal ones the earlier.</summary>
    private void Collect(ReadOnlySpan<float> logits, int row, ref int count)
    {
        var max = TensorPrimitives.Max(logits);
        if (!float.IsFinite(max)) throw new InferenceException(TextGenerator.NoNumbers);
        TensorPrimitives.Subtract(logits, max, _logProbabilities);
        var values = _logProbabilities.AsSpan();
        var sum = 0d;
        foreach (var value in values) sum += Math.Exp(value);
        var offset = _scores[row] - Math.Log(sum);
        for (var token = 0; token < values.Length; token++)
        {
            if (_tokens[row].Count <= _minNewTokens && _config.IsEnd(token)) continue;
            Offer(values[token] + offset, row, token, ref count);
        }
    }

    private void Collect(ChosenTokens chosen, int row, ref int count)
    {
        var tokens = chosen.Tokens(row);
        var logProbabilities = chosen.LogProbabilities(row);
        if (!float.IsFinite(logProbabilities[0])) throw new InferenceException(TextGenerator.NoNumbers);
        for (var i = 0; i < tokens.Length; i++)
        {
            if (_tokens[row].Count <= _minNewTokens && _config.IsEnd((int)tokens[i])) continue;
            Offer(_scores[row] + logProbabilities[i], row, (int)tokens[i], ref count);
        }
    }

    private void Offer(double score, int row, int token, ref int count)
    {
        if (count == _candidates.Length && !(score > _candidates[count - 1].Score)) return;
        var at = count < _candidates.Length ? count++ : count - 1;
        for (; at > 0 && score > _candidates[at - 1].Score; at--) _candidates[at] = _candidates[at - 1];
        _candidates[at] = (score, row, token);
    }

    private int[][] Finish()
    {
        var answers = new int[_inputs][];
        for (var input = 0; input < _inputs; input++)
        {
            if (!_done[input])
            {
                for (var row = input * _beams; row < (input + 1) * _beams; row++)
                    _hypotheses[input].Add([.. _tokens[row]], _scores[row], end: null);
            }

            var (tokens, end) = _hypotheses[input].Best();
            answers[input] = end is { } last ? [.. tokens.Skip(1), last] : [.. tokens.Skip(1)];
        }

        return answers;
    }

    private static PooledTensor<long> RepeatMask(TokenBatch batch, int[] repeat)
    {
        var mask = new PooledTensor<long>(repeat.Length, batch.Length);
        var source = batch.AttentionMask.GetTensorDataAsSpan<long>();
        for (var row = 0; row < repeat.Length; row++)
            source.Slice(repeat[row] * batch.Length, batch.Length).CopyTo(mask.Span[(row * batch.Length)..]);
        return mask;
    }
}
