using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Toolchain.Tests.Evaluation;

/// <summary>A student that answers what its input says, <c>label probability</c>.</summary>
internal sealed class SpokenAnswers(TaskSpec task) : IPredictor
{
    public TaskSpec Task => task;

    public IReadOnlyList<LabelPrediction> Predict(IReadOnlyList<PredictorInput> inputs, CancellationToken cancellationToken = default) =>
        [.. inputs.Select(Answer)];

    public void Dispose()
    {
    }

    private LabelPrediction Answer(PredictorInput input)
    {
        var parts = input.Text.Split(' ');
        var probability = double.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
        var rest = (1 - probability) / Math.Max(1, task.Labels!.Count - 1);
        return new LabelPrediction
        {
            Label = parts[0],
            Probability = probability,
            Probabilities = [.. task.Labels.Select(l => l == parts[0] ? probability : rest)],
        };
    }
}
