using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Server.Models;

/// <summary>Serves any <see cref="IPredictor"/>: encoding only checks the input, and its length in tokens is a guess.</summary>
internal sealed class PredictorAdapter(IPredictor predictor, string device) : IServedPredictor
{
    // English text comes to about four characters a token.
    private const int CharactersPerToken = 4;

    public TaskSpec Task => predictor.Task;

    public string Device => device;

    public EncodedRow Encode(PredictorInput input)
    {
        if (Task.Kind == TaskKind.Choices && input.Choices is not { Count: >= 2 })
            throw new InputException("choices: expected at least two, the task's inputs bring their own");
        if (Task.Kind != TaskKind.Choices && input.Choices is { Count: > 0 })
            throw new InputException("choices: expected none, the task has a closed set of its own or none at all");
        var tokens = 1 + (Task.PredictPrefix.Length + input.Text.Length) / CharactersPerToken;
        return new EncodedRow(Math.Min(tokens, Task.MaxInputTokens ?? tokens), input);
    }

    public IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<EncodedRow> rows, int? lane, CancellationToken cancellationToken) =>
        predictor.Predict([.. rows.Select(r => (PredictorInput)r.Payload)], cancellationToken);

    public void Dispose() => predictor.Dispose();
}
