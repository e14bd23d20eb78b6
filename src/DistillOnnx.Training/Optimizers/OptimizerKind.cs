namespace DistillOnnx.Training.Optimizers;

/// <summary>The rules by which a step changes the weights.</summary>
public enum OptimizerKind
{
    /// <summary>AdamW (Loshchilov and Hutter 2019).</summary>
    AdamW,

    /// <summary>Adafactor (Shazeer and Stern 2018), which keeps row and column means in place of the second moments of matrices.</summary>
    Adafactor,
}
