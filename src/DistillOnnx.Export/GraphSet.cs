namespace DistillOnnx.Export;

/// <summary>Which graphs a bundle gets.</summary>
public enum GraphSet
{
    /// <summary>Encoder, the three decoders and, for closed sets, the label model.</summary>
    All,

    /// <summary>The label model alone.</summary>
    Label,

    /// <summary>Encoder and decoders alone.</summary>
    Seq2seq,
}
