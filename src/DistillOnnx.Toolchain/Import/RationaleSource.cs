namespace DistillOnnx.Toolchain.Import;

/// <summary>Whose reasons become the rationales of an imported dataset.</summary>
public enum RationaleSource
{
    /// <summary>The teacher model's completions.</summary>
    Teacher,

    /// <summary>The people who explained the gold labels (e-SNLI's first explanation, CoS-E, ANLI's reasons).</summary>
    Human,
}
