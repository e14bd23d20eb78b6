namespace DistillOnnx.Toolchain.Quickstart;

/// <summary>What the quickstart found; its last line.</summary>
public sealed record QuickstartResult
{
    /// <summary>Test accuracy of the bundle, a fraction of one.</summary>
    public required double Accuracy { get; init; }

    /// <summary>
    /// Test accuracy of the same student, trained with the same rows, steps and seed on labels alone; <see cref="StepByStepAccuracy"/>
    /// minus this is what the rationales brought.
    /// </summary>
    public required double LabelsAloneAccuracy { get; init; }

    /// <summary>Test accuracy of the checkpoint that was trained step by step.</summary>
    public required double StepByStepAccuracy { get; init; }

    /// <summary>Rows that both were trained with.</summary>
    public required int TrainRows { get; init; }

    /// <summary>What the commonest test label alone would reach.</summary>
    public required double Chance { get; init; }

    /// <summary>Fraction of test rows on which checkpoint and bundle give the same label.</summary>
    public required double CheckpointBundleAgreement { get; init; }

    /// <summary>What the server answered over gRPC to the first test row.</summary>
    public required string GrpcLabel { get; init; }

    /// <summary>What the bundle writes when it is asked to explain the first test row.</summary>
    public required string Rationale { get; init; }

    /// <summary>Median time of one gRPC call with one row, in milliseconds.</summary>
    public required double GrpcMedianMs { get; init; }

    /// <summary>Time of the whole run, in seconds.</summary>
    public required double Seconds { get; init; }

    /// <summary>Directory of the bundle.</summary>
    public required string Bundle { get; init; }

    /// <summary>Directory of the checkpoint.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>Directory of the annotated dataset.</summary>
    public required string Dataset { get; init; }
}
