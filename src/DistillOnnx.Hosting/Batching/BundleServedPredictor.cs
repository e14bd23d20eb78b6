using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Devices;
using DistillOnnx.Runtime.Prediction;

namespace DistillOnnx.Hosting.Batching;

/// <summary>A bundle as the server serves it.</summary>
internal sealed class BundleServedPredictor(BundlePredictor predictor) : IServedPredictor
{
    public TaskSpec Task => predictor.Task;

    public string Device => $"{predictor.Bundle.Device} {predictor.Bundle.Precision}";

    public bool OnGpu => predictor.Bundle.Device.Kind == DeviceKind.Cuda;

    public int Lanes => predictor.Lanes;

    public EncodedRow Encode(PredictorInput input)
    {
        var encoded = predictor.Encode(input);
        return new EncodedRow(encoded.Tokens.Length, encoded);
    }

    public IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<EncodedRow> rows, int? lane, CancellationToken cancellationToken)
    {
        var inputs = new EncodedInput[rows.Count];
        for (var i = 0; i < inputs.Length; i++) inputs[i] = (EncodedInput)rows[i].Payload;
        return lane is { } l ? predictor.PredictOnLane(l, inputs, cancellationToken) : predictor.Predict(inputs, cancellationToken);
    }

    public void Dispose() => predictor.Dispose();
}
