using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DistillOnnx.Hosting;

/// <summary>Healthy where the model answers a short text.</summary>
internal sealed class ModelHealthCheck(IPredictor predictor) : IHealthCheck
{
    /// <summary>Its name among a program's checks.</summary>
    public const string Name = "distillonnx";

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var input = new PredictorInput("word", predictor.Task.Kind == TaskKind.Choices ? ["yes", "no"] : null);
            await predictor.PredictAsync([input], cancellationToken).ConfigureAwait(false);
            return HealthCheckResult.Healthy(predictor.Task.Name);
        }
        catch (QueueFullException e)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, e.Message);
        }
#pragma warning disable CA1031 // Whatever the model throws, it does not answer.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            return new HealthCheckResult(context.Registration.FailureStatus, e.Message, e);
        }
    }
}
