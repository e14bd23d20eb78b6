namespace DistillOnnx.Toolchain.Reports;

/// <summary>What a report holds.</summary>
/// <param name="Report">The page.</param>
/// <param name="Datasets">Datasets that were found.</param>
/// <param name="Models">Checkpoints, adapters and bundles that were found.</param>
/// <param name="Accuracy">Accuracy of each model that was measured.</param>
/// <param name="NotMeasured">Why a model was not measured.</param>
public sealed record ReportResult(
    string Report,
    IReadOnlyList<string> Datasets,
    IReadOnlyList<string> Models,
    IReadOnlyDictionary<string, double> Accuracy,
    IReadOnlyDictionary<string, string> NotMeasured);
