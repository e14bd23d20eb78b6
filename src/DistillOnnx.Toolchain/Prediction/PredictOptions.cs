using DistillOnnx.Data;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Options;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>What <c>distill predict</c> labels.</summary>
public sealed record PredictOptions : IStageOptions
{
    /// <summary>Bundle directory; a checkpoint works too.</summary>
    [Option("bundle directory; a checkpoint works too", Value = "BUNDLE", Required = true)]
    public string Model { get; init; } = "";

    /// <summary>JSONL file with one <c>{"input", "id"?, "choices"?}</c> a line, or <c>-</c> for standard input.</summary>
    [Option("JSONL with one {\"input\", \"id\"?, \"choices\"?} a line", Value = "FILE|-")]
    public string Input { get; init; } = "-";

    /// <summary>Where the answers go, one JSON line a row in the order of the rows, or <c>-</c> for standard output.</summary>
    [Option("where the answers go, one JSON line a row", Value = "FILE|-")]
    public string Output { get; init; } = "-";

    /// <summary>Which part of the rows to label: row r belongs to shard r mod n.</summary>
    [Option("label only rows r with r mod n = i, counted from 0; for many machines", Value = "i/n")]
    public string? Shard { get; init; }

    /// <summary>Replace an existing output file.</summary>
    [Option("replace an existing output file")]
    public bool Overwrite { get; init; }

    /// <summary>How the model is run.</summary>
    [OptionGroup]
    public InferenceOptions Inference { get; init; } = new();

    /// <summary>Whether and how rationales are written.</summary>
    [OptionGroup]
    public ExplainOptions Explanation { get; init; } = new();

    /// <summary>Rows that are read and labelled at once.</summary>
    [Option("rows that are read and labelled at once")]
    public int BatchSize { get; init; } = 256;

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (BatchSize < 1) faults.Add($"--batch-size must be at least 1, found {BatchSize}");
        faults.AddRange(Inference.Validate());
        faults.AddRange(Explanation.Validate());
        if (Shard is not null && RowShard.TryParse(Shard) is null) faults.Add($"--shard must be i/n with 0 <= i < n, found \"{Shard}\"");
        if (Output != "-" && OutputFiles.Fault(Output, Overwrite, Model) is { } fault) faults.Add(fault);
        if (Input != "-" && !File.Exists(Input)) faults.Add($"{Input}: no such file; expected rows to label (JSONL)");
        return faults;
    }
}
