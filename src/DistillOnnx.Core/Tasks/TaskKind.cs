namespace DistillOnnx.Core.Tasks;

/// <summary>What the answers of a task are drawn from.</summary>
public enum TaskKind
{
    /// <summary>One closed set of labels for every row (e-SNLI, ANLI).</summary>
    Labels,

    /// <summary>A closed set that each row brings along (CommonsenseQA).</summary>
    Choices,

    /// <summary>Open text (SVAMP's equations).</summary>
    Text,
}
