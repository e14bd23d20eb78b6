using DistillOnnx.Core.T5;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>The shape of a T5.</summary>
public sealed record ShapeFacts
{
    /// <summary>Width of the model.</summary>
    public required int DModel { get; init; }

    /// <summary>Width of a head.</summary>
    public required int DKv { get; init; }

    /// <summary>Width of the feed-forward layers.</summary>
    public required int DFf { get; init; }

    /// <summary>Blocks of the encoder.</summary>
    public required int EncoderLayers { get; init; }

    /// <summary>Blocks of the decoder.</summary>
    public required int DecoderLayers { get; init; }

    /// <summary>Heads of an attention layer.</summary>
    public required int Heads { get; init; }

    /// <summary>Activation of the feed-forward layers.</summary>
    public required T5Activation Activation { get; init; }

    /// <summary>Whether the feed-forward layers are gated.</summary>
    public required bool Gated { get; init; }

    internal static ShapeFacts Of(T5Config config) => new()
    {
        DModel = config.DModel,
        DKv = config.DKv,
        DFf = config.DFf,
        EncoderLayers = config.NumLayers,
        DecoderLayers = config.NumDecoderLayers,
        Heads = config.NumHeads,
        Activation = config.Activation,
        Gated = config.IsGated,
    };
}
