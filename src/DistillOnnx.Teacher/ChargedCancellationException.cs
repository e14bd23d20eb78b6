using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher;

/// <summary>The run was stopped while a request was repeated whose first answers were charged and could not be read.</summary>
/// <param name="usage">What they took.</param>
/// <param name="inner">The stop.</param>
internal sealed class ChargedCancellationException(UsageDetails usage, OperationCanceledException inner)
    : OperationCanceledException(inner.Message, inner, inner.CancellationToken)
{
    /// <summary>What they took.</summary>
    public UsageDetails Usage { get; } = usage;
}
