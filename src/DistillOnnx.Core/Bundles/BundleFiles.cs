using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tokenization;

namespace DistillOnnx.Core.Bundles;

/// <summary>The names of a bundle's files, relative to its directory and with forward slashes: optimum's, and ours beside them.</summary>
public static class BundleFiles
{
    /// <summary>The directory of the graphs.</summary>
    public const string GraphDirectory = "onnx";

    /// <summary>Tokens to encoder states.</summary>
    public const string Encoder = "encoder_model";

    /// <summary>The decoder over a whole prefix.</summary>
    public const string Decoder = "decoder_model";

    /// <summary>The decoder over further tokens, with the keys and values of earlier ones.</summary>
    public const string DecoderWithPast = "decoder_with_past_model";

    /// <summary>Both decoders in one file.</summary>
    public const string DecoderMerged = "decoder_model_merged";

    /// <summary>Tokens to label log-probabilities.</summary>
    public const string LabelModel = "label_model";

    /// <summary>The file of defaults for generation.</summary>
    public const string GenerationConfig = "generation_config.json";

    /// <summary>The configuration and tokenizer files that a bundle shares with a checkpoint.</summary>
    public static IReadOnlyList<string> Shared { get; } = [T5Config.FileName, GenerationConfig, .. TokenizerFiles.Names];

    /// <summary>A graph's file, for instance <c>onnx/encoder_model_int8.onnx</c>.</summary>
    /// <param name="graph">One of the names above.</param>
    /// <param name="precision"><c>fp32</c> or the name of another; that is also what transformers.js calls it.</param>
    public static string Graph(string graph, string precision = BundleManifest.FullPrecision) =>
        $"{GraphDirectory}/{graph}{(precision == BundleManifest.FullPrecision ? "" : "_" + precision)}.onnx";
}
