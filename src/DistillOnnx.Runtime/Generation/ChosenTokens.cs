using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Generation;

/// <summary>The likeliest tokens of every row, chosen by the graph.</summary>
/// <param name="tokens">int64 [rows, 1, count], likeliest first.</param>
/// <param name="logProbabilities">float32 [rows, 1, count].</param>
/// <param name="count">How many of each row.</param>
internal sealed class ChosenTokens(OrtValue tokens, OrtValue logProbabilities, int count) : IDisposable
{
    public ReadOnlySpan<long> Tokens(int row) => tokens.GetTensorDataAsSpan<long>().Slice(row * count, count);

    public ReadOnlySpan<float> LogProbabilities(int row) => logProbabilities.GetTensorDataAsSpan<float>().Slice(row * count, count);

    public void Dispose()
    {
        tokens.Dispose();
        logProbabilities.Dispose();
    }
}
