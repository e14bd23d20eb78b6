using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Options;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>Options of <c>distill inspect</c>.</summary>
public sealed record InspectOptions : IStageOptions
{
    /// <summary>Checkpoint, bundle or dataset directory.</summary>
    [Option("checkpoint, bundle or dataset directory; its files determine which", Value = "DIR", Argument = true, Required = true)]
    public string Directory { get; init; } = "";

    /// <summary>A student whose tokenizer reads a dataset.</summary>
    [Option("for a dataset: student whose tokenizer counts tokens, rows that are cut and unknown pieces", Value = "CHECKPOINT|BUNDLE")]
    public string? Student { get; init; }

    /// <summary>The base of a checkpoint or student that is a LoRA adapter.</summary>
    [Option("base of a checkpoint or student that is a LoRA adapter; left out: the one that the adapter names", Value = "CHECKPOINT")]
    public string? Base { get; init; }

    /// <summary>File that gets the facts as a page.</summary>
    [Option("write the facts as one self-contained HTML page to this file", Value = "FILE.html")]
    public string? Report { get; init; }

    /// <summary>Replace an existing report.</summary>
    [Option("replace an existing report")]
    public bool Overwrite { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate() =>
        OutputFiles.Fault(Report, Overwrite, Directory, Student, Base) is { } fault ? [fault] : [];
}
