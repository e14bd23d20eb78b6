namespace DistillOnnx.Core.Bundles;

/// <summary>
/// The names by which the functions of an exported graph are defined, and by which a runtime knows those that it has kernels for. What a
/// name means never changes: another meaning takes another name.
/// </summary>
internal static class GraphFunctions
{
    /// <summary>The producer that a graph of this project names.</summary>
    public const string Producer = "DistillOnnx";

    /// <summary>The functions' domain.</summary>
    public const string Domain = "ai.distillonnx";

    /// <summary>The domain's version.</summary>
    public const int Version = 1;

    public const string QuantizeRows = "QuantizeRows";

    public const string QuantizeRectifiedRows = "QuantizeRectifiedRows";

    public const string QuantizeGatedGeluRows = "QuantizeGatedGeluRows";

    public const string AddNormQuantize = "AddNormQuantize";

    public const string AttendRows = "AttendRows";
}
