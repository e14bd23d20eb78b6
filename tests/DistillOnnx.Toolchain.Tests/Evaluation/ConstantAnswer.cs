using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Toolchain.Tests.Evaluation;

/// <summary>A student that answers the same to everything.</summary>
internal sealed class ConstantAnswer(TaskSpec task, string label) : IPredictor
{
    public TaskSpec Task => task;

    public IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken = default) =>
        [.. inputs.Select(_ => new LabelPrediction { Label = label })];

    public void Dispose()
    {
    }
}
