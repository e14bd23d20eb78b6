using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>What a checkpoint is.</summary>
public sealed record CheckpointFacts
{
    /// <summary>The family, for instance <c>T5 v1.1</c>.</summary>
    public required string Family { get; init; }

    /// <summary>The shape.</summary>
    public required ShapeFacts Shape { get; init; }

    /// <summary>Number of weights, a tied one counted once.</summary>
    public required long Parameters { get; init; }

    /// <summary><c>tied</c> or <c>own</c>, and whether the decoder's output is scaled before it.</summary>
    public required string Head { get; init; }

    /// <summary>The base of an adapter.</summary>
    public string? Base { get; init; }

    /// <summary>Bytes of each weight file, by name; an adapter's own and its base's.</summary>
    public required IReadOnlyDictionary<string, long> WeightFiles { get; init; }

    /// <summary>The tensors as they are used, by element type.</summary>
    public required IReadOnlyDictionary<string, TensorFacts> Types { get; init; }

    /// <summary>The tokenizer; null where the checkpoint has none.</summary>
    public TokenizerFacts? Tokenizer { get; init; }

    /// <summary>The task; null where the checkpoint names none.</summary>
    public TaskSpec? Task { get; init; }

    /// <summary>What was not used and why, one line each.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}
