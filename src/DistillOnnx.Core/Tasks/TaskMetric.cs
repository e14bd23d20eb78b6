namespace DistillOnnx.Core.Tasks;

/// <summary>When a predicted label counts as right.</summary>
public enum TaskMetric
{
    /// <summary>Exact match after trimming.</summary>
    Text,

    /// <summary>Both sides evaluated as arithmetic and compared by value.</summary>
    Equation,
}
