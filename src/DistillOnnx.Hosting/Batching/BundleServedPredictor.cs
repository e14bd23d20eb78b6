using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Devices;
using DistillOnnx.Runtime.Prediction;

namespace DistillOnnx.Hosting.Batching;

/// <summary>A bundle as the server serves it.</summary>
internal sealed class BundleServedPredictor(BundlePredictor predictor) : IServedPredictor
{
    private readonly string? _untrained = Untrained(predictor.Task);

    public TaskSpec Task => predictor.Task;

    public string Device => $"{predictor.Bundle.Device} {predictor.Bundle.Precision}";

    public bool OnGpu => predictor.Bundle.Device.Kind == DeviceKind.Cuda;

    public int Lanes => predictor.Lanes;

    public EncodedRow Encode(PredictorInput input) => EncodeWithin(input, int.MaxValue);

    public EncodedRow EncodeWithin(PredictorInput input, int maxChoiceTokens)
    {
        var encoded = predictor.EncodeWithin(input, maxChoiceTokens);
        var text = encoded.Tokens.Length;
        return new EncodedRow(text + (encoded.Trie?.Positions ?? 0), encoded) { TextTokens = text };
    }

    public IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<EncodedRow> rows, int? lane, CancellationToken cancellationToken)
    {
        var inputs = new EncodedInput[rows.Count];
        for (var i = 0; i < inputs.Length; i++) inputs[i] = (EncodedInput)rows[i].Payload;
        return lane is { } l ? predictor.PredictOnLane(l, inputs, cancellationToken) : predictor.Predict(inputs, cancellationToken);
    }

    public string? CannotExplain => _untrained ?? (predictor.Bundle.HasTextModel
        ? null
        : $"task \"{Task.Name}\": the bundle lacks the encoder and decoder graphs that write text, so the model cannot explain");

    public string Explain(PredictorInput input, ExplainSettings settings, CancellationToken cancellationToken) =>
        predictor.Explain([input], settings, cancellationToken)[0].Text;

    public void Dispose() => predictor.Dispose();

    private static string? Untrained(TaskSpec task)
    {
        try
        {
            IExplainer.RequireRationales(task);
            return null;
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }
}
