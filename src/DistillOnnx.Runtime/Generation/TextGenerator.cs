using System.Numerics.Tensors;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.T5;
using DistillOnnx.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Generation;

/// <summary>
/// Decodes text with the encoder and decoder graphs: greedily or by beam search, with a key-value cache that stays in ONNX
/// Runtime's memory. Ids equal those of the reference implementation. May be called from several threads.
/// </summary>
public sealed class TextGenerator : IDisposable
{
    internal const string NoNumbers = "the decoder answers this input with values that are no numbers";

    private readonly EncoderGraph _encoder;
    private readonly DecoderGraph _decoder;
    private readonly T5Config _config;

    internal TextGenerator(EncoderGraph encoder, DecoderGraph decoder, T5Config config)
    {
        _encoder = encoder;
        _decoder = decoder;
        _config = config;
    }

    internal EncoderGraph Encoder => _encoder;

    internal DecoderGraph Decoder => _decoder;

    /// <summary>Decodes a batch. The rows are padded to the longest: callers group rows of similar length.</summary>
    /// <param name="inputIds">Encoder tokens of each row, none of them padding.</param>
    /// <param name="options">How to decode.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <returns>Each row's tokens without the start token; the end token is last where it was reached.</returns>
    public IReadOnlyList<int[]> Generate(
        IReadOnlyList<int[]> inputIds, GenerationOptions options, CancellationToken cancellationToken = default)
    {
        options.Require();
        if (inputIds.Count == 0) return [];
        using var run = new GraphRun(cancellationToken);
        using var batch = new TokenBatch(inputIds, _config.PadTokenId, _encoder.Shapes);
        var keepOnHost = options.Beams > 1 && !_decoder.ChoosesTokens;
        using var states = _encoder.Encode(run, batch.InputIds, batch.AttentionMask, keepOnHost);
        return options.Beams == 1
            ? _decoder.ChoosesTokens
                ? GreedyInGraph(run, states, batch, options, cancellationToken)
                : Greedy(run, states, batch, options, cancellationToken)
            : new BeamSearch(_config, options, inputIds.Count).Run(_decoder, run, states, batch, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
    }

    private int[][] Greedy(GraphRun run, OrtValue states, TokenBatch batch, GenerationOptions options, CancellationToken cancellationToken)
    {
        var rows = batch.Rows;
        var decoded = new List<int>[rows];
        for (var row = 0; row < rows; row++) decoded[row] = new List<int>(Math.Min(options.MaxNewTokens, 32));
        using var tokens = new PooledTensor<long>(rows, 1);
        tokens.Span.Fill(_config.DecoderStartTokenId);
        using var state = new DecoderState(_config.NumDecoderLayers);
        var open = rows;
        for (var step = 0; step < options.MaxNewTokens && open > 0; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var logits = step == 0
                ? _decoder.Start(run, tokens.Value, states, batch.AttentionMask, state)
                : _decoder.Next(run, tokens.Value, states, batch.AttentionMask, state);
            var values = Floats.Of(logits);
            for (var row = 0; row < rows; row++)
            {
                var done = decoded[row].Count > 0 && _config.IsEnd(decoded[row][^1]);
                if (done) continue;
                var token = Best(values.Slice(row * _config.VocabSize, _config.VocabSize), mayEnd: step >= options.MinNewTokens);
                decoded[row].Add(token);
                tokens.Span[row] = token;
                if (!_config.IsEnd(token)) continue;
                open--;
            }
        }

        return Array.ConvertAll(decoded, d => d.ToArray());
    }

    /// <summary>The same where the graph chooses tokens: only these come back from the device.</summary>
    private int[][] GreedyInGraph(
        GraphRun run, OrtValue states, TokenBatch batch, GenerationOptions options, CancellationToken cancellationToken)
    {
        var decoded = new List<int>[batch.Rows];
        for (var row = 0; row < decoded.Length; row++) decoded[row] = [];
        using var choice = new TokenChoice(_config, 1);
        using var tokens = new PooledTensor<long>(batch.Rows, 1);
        tokens.Span.Fill(_config.DecoderStartTokenId);
        using var state = new DecoderState(_config.NumDecoderLayers);
        for (int step = 0, open = batch.Rows; step < options.MaxNewTokens && open > 0; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (step == 0 || step == options.MinNewTokens) choice.MayEnd = step >= options.MinNewTokens;
            using var chosen = step == 0
                ? _decoder.Start(run, tokens.Value, states, batch.AttentionMask, state, choice)
                : _decoder.Next(run, tokens.Value, states, batch.AttentionMask, state, choice);
            for (var row = 0; row < decoded.Length; row++)
            {
                if (decoded[row].Count > 0 && _config.IsEnd(decoded[row][^1])) continue;
                if (!float.IsFinite(chosen.LogProbabilities(row)[0])) throw new InferenceException(NoNumbers);
                var token = (int)chosen.Tokens(row)[0];
                decoded[row].Add(token);
                tokens.Span[row] = token;
                if (_config.IsEnd(token)) open--;
            }
        }

        return Array.ConvertAll(decoded, d => d.ToArray());
    }

    private int Best(ReadOnlySpan<float> logits, bool mayEnd)
    {
        // The index of a NaN where there is one.
        var best = TensorPrimitives.IndexOfMax(logits);
        if (!float.IsFinite(logits[best])) throw new InferenceException(NoNumbers);
        if (mayEnd || !_config.IsEnd(best)) return best;
        best = -1;
        for (var token = 0; token < logits.Length; token++)
        {
            if (!_config.IsEnd(token) && (best < 0 || logits[token] > logits[best])) best = token;
        }

        return best;
    }
}
