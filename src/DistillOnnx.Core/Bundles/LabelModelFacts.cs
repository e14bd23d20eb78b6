using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Core.Bundles;

/// <summary>
/// What <c>label_model.onnx</c> keeps of the student's decoder, against all of it: the proof that a model trained on
/// rationales pays nothing for them when it labels.
/// </summary>
public sealed record LabelModelFacts
{
    /// <summary>
    /// <c>labels</c>: the set is part of the graph. <c>choices</c>: each row brings its tries as inputs (<see cref="ChoiceInputs"/>).
    /// </summary>
    public required TaskKind Kind { get; init; }

    /// <summary>Decoder positions computed for a row; null where the row decides.</summary>
    public int? DecoderPositions { get; init; }

    /// <summary>Decoder positions that decoding the longest label greedily takes, end token included; null where the row decides.</summary>
    public int? GreedyPositions { get; init; }

    /// <summary>Rows of lm_head in the file.</summary>
    public required int VocabularyRows { get; init; }

    /// <summary>Rows of the full lm_head.</summary>
    public required int FullVocabularyRows { get; init; }

    /// <summary>Bytes of the full-precision label model's constants that are not the encoder's.</summary>
    public required long DecoderBytes { get; init; }

    /// <summary>Bytes of the full student's decoder and lm_head in single precision.</summary>
    public required long FullDecoderBytes { get; init; }
}
