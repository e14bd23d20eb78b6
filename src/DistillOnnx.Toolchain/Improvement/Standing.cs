using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>Where the loop stands before a round.</summary>
internal sealed record Standing
{
    /// <summary>What serves: bundle or checkpoint; null: nothing does.</summary>
    public string? Serving { get; init; }

    /// <summary>Its answers to the measured rows; null where nothing serves.</summary>
    public TestAnswers? Answers { get; init; }

    /// <summary>What training begins from.</summary>
    public required string Student { get; init; }

    /// <summary>Whether that is the student of the first round.</summary>
    public bool First { get; init; } = true;

    /// <summary>What the rounds so far annotated.</summary>
    public IReadOnlyList<string> Annotated { get; init; } = [];

    /// <summary>Collected inputs of the rounds so far.</summary>
    public IReadOnlyList<string> Collected { get; init; } = [];

    /// <summary>The bundle in the model folder; null: none was put there.</summary>
    public string? Served { get; init; }

    /// <summary>Whether a model is trained for a task: a bundle, or a checkpoint that names its task.</summary>
    public static bool IsTrained(string model) =>
        PredictorFactory.IsBundle(model) || File.Exists(Path.Combine(model, Core.Tasks.TaskSpec.FileName));
}
